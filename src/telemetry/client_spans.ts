import type { Rank } from "../base/rank.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { EndStep, Step, Tracer } from "../base/tracer.ts";
import { type Context, type Meter, ROOT_CONTEXT, type SpanMaker, trace } from "./deps.ts";
import { SECONDS_BUCKETS } from "./buckets.ts";
import { endSpan } from "./end_span.ts";
import { contextOf } from "./traceparent.ts";

/** Run that a client has joined. */
export interface JoinedRun {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Set if nobody may learn figures of single clients. */
  readonly isClosed?: boolean;
}

/** Spans of a client, which belong to the trace of the server's round, and its metrics. */
export class ClientSpans implements Tracer {
  readonly #spans: SpanMaker;
  readonly #seconds;
  #joined: JoinedRun | undefined;
  #current: Context = ROOT_CONTEXT;

  /** Makes the spans of a client. */
  constructor(spans: SpanMaker, meter: Meter) {
    this.#spans = spans;
    this.#seconds = meter.createHistogram("fedlab.client.duration", {
      unit: "s",
      description: "Time of the client's work, by kind.",
      advice: { explicitBucketBoundaries: SECONDS_BUCKETS },
    });
  }

  /** Context of the last span, for what is logged. */
  get current(): Context {
    return this.#current;
  }

  /** Set if what is logged may be exported: the client takes part in a run that is not closed. */
  get isOpen(): boolean {
    return this.#joined !== undefined && !this.#joined.isClosed;
  }

  /** Takes what the server has said when the client joined. */
  joined(run: JoinedRun): void {
    this.#joined = run;
  }

  /** Begins the span of a step; the result ends it. */
  begin({ name, round, parent }: Step): EndStep {
    const began = runtime.clock.now();
    const { rank } = this.#joined ?? {};
    const context = contextOf(parent);
    const attributes = {
      "fedlab.round": round,
      ...(rank !== undefined && { "fedlab.rank": rank }),
    };
    const span = this.#spans.startSpan(`fedlab.client.${name}`, { attributes }, context);
    this.#current = trace.setSpan(context, span);
    return (error) => {
      endSpan(span, error, this.isOpen);
      if (error !== undefined || !this.isOpen) return;
      this.#seconds.record((runtime.clock.now() - began) / 1000, { "fedlab.work": name });
    };
  }
}
