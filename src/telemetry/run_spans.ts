import type { Rank } from "../base/rank.ts";
import type { EndStep, Step, Tracer } from "../base/tracer.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport } from "../round/report/report.ts";
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanMaker,
  trace,
} from "./deps.ts";
import { endSpan } from "./end_span.ts";
import { traceparentOf } from "./traceparent.ts";

/** Most clients of a round that have spans of their own. */
export const MOST_TRACED_CLIENTS = 500;

/** Work for which a client is sent parameters. */
type Work = NonNullable<Step["work"]>;

const WORKS: readonly Work[] = ["train", "evaluate"];

/** Round under way. */
interface OpenRound {
  readonly span: Span;
  readonly context: Context;
  /** Clients that have spans of their own. */
  readonly clients: Set<Rank>;
}

/**
 * Spans of a run at a server, or in a simulation: a trace for each round, with a span for each
 * step, and for what is sent to a client, awaited of it and received from it.
 */
export class RunSpans implements Tracer {
  readonly #spans: SpanMaker;
  readonly #attributes: Attributes;
  #round: OpenRound | undefined;
  /** Step of the round that those of single clients belong to. */
  #stage: Context | undefined;
  /** Spans of clients whose answer is awaited, by what they do. */
  readonly #awaited = { train: new Map<Rank, Span>(), evaluate: new Map<Rank, Span>() };

  /** Makes the spans of a run, with attributes of the run. */
  constructor(spans: SpanMaker, attributes: Attributes) {
    this.#spans = spans;
    this.#attributes = attributes;
  }

  /** Context of the round under way, for the clients. */
  get context(): string | undefined {
    return this.#round && traceparentOf(this.#round.span);
  }

  /** Context of the round under way, for what is logged. */
  get current(): Context {
    return this.#round?.context ?? ROOT_CONTEXT;
  }

  /** Begins the span of a step; the result ends it. */
  begin(step: Step): EndStep {
    if (step.name === "round") return this.#beginRound(step.round);
    if (step.rank !== undefined) return this.#beginOfClient(step, step.rank);
    const [span, context] = this.#start(`fedlab.${step.name}`, step.round, this.current);
    const { name } = step;
    if (name !== "train" && name !== "evaluate") return (error) => endSpan(span, error);
    this.#stage = context;
    return (error) => {
      this.#stage = undefined;
      this.#endAwaited(name);
      endSpan(span, error);
    };
  }

  /** Takes an event, which must be one that may be told. */
  show(event: ServerEvent): void {
    switch (event.type) {
      case "update-received":
        return this.#answered("train", event.rank);
      case "evaluated":
        return this.#answered("evaluate", event.rank);
      case "update-refused":
        this.#round?.span.addEvent("refused", { "fedlab.reason": event.fault });
        return this.#answered("train", event.rank, event.fault);
      case "client-away":
      case "client-lost":
        return WORKS.forEach((work) => this.#answered(work, event.rank, "the connection was lost"));
      case "round-retried":
        this.#round?.span.addEvent("retried", {
          "fedlab.updates": event.received,
          "fedlab.quorum": event.quorum,
        });
        return;
      case "round-ended":
        this.#round?.span.setAttributes(roundAttributes(event.report));
        return;
      case "finished":
      case "stopped":
        // Without rounds, clients may still train.
        return WORKS.forEach((work) => this.#endAwaited(work));
    }
  }

  #beginRound(round: number): EndStep {
    const [span, context] = this.#start("fedlab.round", round, ROOT_CONTEXT);
    this.#round = { span, context, clients: new Set() };
    return (error) => {
      this.#round = this.#stage = undefined;
      endSpan(span, error);
    };
  }

  #beginOfClient({ name, round, work = "train" }: Step, rank: Rank): EndStep {
    const clients = this.#round?.clients;
    if (clients === undefined) return () => {};
    if (!clients.has(rank) && clients.size === MOST_TRACED_CLIENTS) return () => {};
    clients.add(rank);
    if (name === "receive") this.#answered("train", rank);
    const parent = this.#stage ?? this.current;
    const [span] = this.#start(`fedlab.${name}`, round, parent, rank);
    return (error) => {
      endSpan(span, error);
      if (name !== "send" || error !== undefined || !this.#round?.clients.has(rank)) return;
      this.#answered(work, rank, "sent again");
      const [awaited] = this.#start("fedlab.await", round, this.#stage ?? parent, rank);
      awaited.setAttribute("fedlab.work", work);
      this.#awaited[work].set(rank, awaited);
    };
  }

  #start(name: string, round: number, parent: Context, rank?: Rank): [Span, Context] {
    const attributes = {
      ...this.#attributes,
      "fedlab.round": round,
      ...(rank !== undefined && { "fedlab.rank": rank }),
    };
    const span = this.#spans.startSpan(name, { attributes }, parent);
    return [span, trace.setSpan(parent, span)];
  }

  #answered(work: Work, rank: Rank, problem?: string): void {
    const span = this.#awaited[work].get(rank);
    if (span === undefined) return;
    this.#awaited[work].delete(rank);
    endSpan(span, problem === undefined ? undefined : new Error(problem));
  }

  #endAwaited(work: Work): void {
    for (const rank of [...this.#awaited[work].keys()]) this.#answered(work, rank, "no answer");
  }
}

/** Figures of a round that a report may have, also where it is private. */
function roundAttributes(report: RoundReport): Attributes {
  const { received, dropped, refused, tries, bytesUp, bytesDown, loss, accuracy } = report;
  return {
    "fedlab.updates": received,
    "fedlab.dropped": dropped,
    "fedlab.refused": refused,
    "fedlab.tries": tries,
    "fedlab.bytes.up": bytesUp,
    "fedlab.bytes.down": bytesDown,
    ...(loss !== undefined && { "fedlab.loss": loss }),
    ...(accuracy !== undefined && { "fedlab.accuracy": accuracy }),
  };
}
