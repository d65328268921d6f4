import { assert, assertEquals } from "@std/assert";
import { type Attributes, type Context, ROOT_CONTEXT, trace } from "../../src/telemetry/deps.ts";
import { MOST_TRACED_CLIENTS, RunSpans } from "../../src/telemetry/run_spans.ts";
import { contextOf, traceparentOf } from "../../src/telemetry/traceparent.ts";
import { decodeBody, MessageCode } from "../../src/wire/mod.ts";
import { bodyOf } from "../helpers/frame.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c", SPAN = "b7ad6b7169203331";

/** A span that is kept, as far as {@linkcode RunSpans} uses it. */
interface Kept {
  readonly name: string;
  readonly parent: string | undefined;
  readonly id: string;
  readonly attributes: Attributes;
  problem?: string | undefined;
  ended: number;
}

/** Makes spans that are kept. */
function keeper() {
  const kept: Kept[] = [];
  const maker = {
    startSpan(name: string, { attributes = {} }: { attributes?: Attributes }, context: Context) {
      const id = `${kept.length + 1}`.padStart(16, "0");
      const parent = trace.getSpanContext(context)?.spanId;
      const span: Kept = { name, parent, id, attributes: { ...attributes }, ended: 0 };
      kept.push(span);
      return {
        spanContext: () => ({ traceId: TRACE, spanId: id, traceFlags: 1 }),
        isRecording: () => true,
        setAttribute: (key: string, value: string) => void (span.attributes[key] = value),
        setAttributes: (more: Attributes) => void Object.assign(span.attributes, more),
        addEvent() {},
        setStatus: ({ message }: { message?: string }) => void (span.problem = message),
        end: () => void span.ended++,
      };
    },
  };
  // deno-lint-ignore no-explicit-any -- the methods of a tracer that are not used are not there
  return { kept, spans: new RunSpans(maker as any, { "fedlab.run": "a" }) };
}

Deno.test("contextOf() reads what traceparentOf() writes, and takes other texts for none", () => {
  const text = `00-${TRACE}-${SPAN}-01`;
  const context = contextOf(text), span = trace.getSpanContext(context);
  assertEquals([span?.traceId, span?.spanId, span?.traceFlags], [TRACE, SPAN, 1]);
  assert(span !== undefined);
  const recorded = Object.assign(trace.wrapSpanContext(span), { isRecording: () => true });
  assertEquals(traceparentOf(recorded), text);
  assertEquals(text.length, 55);
  const wrong = [
    ...[undefined, "", "x", `00-${TRACE}-${SPAN}`, `ff-${TRACE}-${SPAN}-01`],
    ...[`00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${"0".repeat(32)}-${SPAN}-01`],
    ...[`00-${TRACE}-${"0".repeat(16)}-01`, `${text}-more`],
  ];
  for (const other of wrong) assertEquals(contextOf(other), ROOT_CONTEXT, other);
});

Deno.test("decodeBody() reads the field trace, and refuses a longer text by its name", () => {
  const decode = (length: number) => {
    const payload = { round: 1, trace: "x".repeat(length), parameters: new Float32Array(1) };
    const code = MessageCode.ParameterUpdate;
    return decodeBody(code, bodyOf({ code, payload }));
  };
  assertEquals("trace" in decode(55).payload, true);
  let message = "";
  try {
    decode(56);
  } catch (error) {
    message = `${error}`;
  }
  assert(message.includes("trace"), message);
});

Deno.test("RunSpans awaits what it has sent until an answer begins, is refused, or its sender is gone", () => {
  const { kept, spans } = keeper();
  const endRound = spans.begin({ name: "round", round: 1 });
  assertEquals(spans.context, `00-${TRACE}-${"1".padStart(16, "0")}-01`);
  const endTrain = spans.begin({ name: "train", round: 1 });
  for (let rank = 1; rank <= 5; rank++) {
    spans.begin({ name: "send", round: 1, rank, work: "train" })();
  }
  const endReceive = spans.begin({ name: "receive", round: 1, rank: 1 });
  endReceive();
  spans.show({ type: "update-received", round: 1, rank: 1, received: 1, expected: 5 });
  spans.show({ type: "update-refused", rank: 2, fault: "out-of-bounds", message: "secret" });
  spans.show({ type: "client-away", rank: 3, reason: "secret" });
  spans.show({ type: "update-received", round: 1, rank: 4, received: 2, expected: 5 });
  endTrain();
  endRound();
  const awaited = kept.filter(({ name }) => name === "fedlab.await");
  assertEquals(
    awaited.map(({ problem }) => problem),
    [undefined, "out-of-bounds", "the connection was lost", undefined, "no answer"],
  );
  assert(kept.every(({ ended }) => ended === 1));
  const train = kept.find(({ name }) => name === "fedlab.train");
  assertEquals(train?.parent, "1".padStart(16, "0"));
  for (const { parent } of awaited) assertEquals(parent, train?.id);
  assert(!JSON.stringify(kept).includes("secret"));
  assertEquals(spans.context, undefined);
});

Deno.test("RunSpans awaits a client of an asynchronous run beyond a version, until the run ends", () => {
  const { kept, spans } = keeper();
  const endFirst = spans.begin({ name: "round", round: 1 });
  for (const rank of [1, 2]) spans.begin({ name: "send", round: 1, rank })();
  endFirst();
  const endSecond = spans.begin({ name: "round", round: 2 });
  const evaluation = spans.begin({ name: "evaluate", round: 2 });
  evaluation();
  const ofRank = (rank: number) =>
    kept.find(({ name, attributes }) =>
      name === "fedlab.await" && attributes["fedlab.rank"] === rank
    );
  assertEquals([ofRank(1)?.ended, ofRank(2)?.ended], [0, 0]);
  spans.show({ type: "update-received", round: 1, rank: 1, received: 1, expected: 1 });
  endSecond();
  spans.show({ type: "stopped", reason: "x" });
  assertEquals([ofRank(1)?.problem, ofRank(2)?.problem], [undefined, "no answer"]);
  assert(kept.every(({ ended }) => ended === 1));
});

Deno.test("RunSpans has spans of the first clients of a large round alone, all of theirs", () => {
  const { kept, spans } = keeper();
  const endRound = spans.begin({ name: "round", round: 1 });
  for (let rank = 1; rank <= 2 * MOST_TRACED_CLIENTS; rank++) {
    spans.begin({ name: "send", round: 1, rank, work: "train" })();
    spans.begin({ name: "receive", round: 1, rank })();
  }
  endRound();
  for (const name of ["send", "await", "receive"]) {
    const ranks = kept.filter((span) => span.name === `fedlab.${name}`);
    assertEquals(ranks.length, MOST_TRACED_CLIENTS, name);
    assert(
      ranks.every(({ attributes }) => Number(attributes["fedlab.rank"]) <= MOST_TRACED_CLIENTS),
    );
  }
});
