/** Clients of servers that send encoded parameters which break a rule. */
import { assert, assertEquals } from "@std/assert";
import { ClientSyncTop, MessageCode, ProtocolError, silentLogger } from "../../mod.ts";
import { encodeDifference } from "../../src/codec/difference.ts";
import { encodeVector, parseCodec } from "../../src/codec/mod.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { type Message, PREFIX_BYTES } from "../../src/wire/mod.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { frameOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 300, MANIFEST = vectorManifest(LENGTH);
const ASSIGNMENT = await assignmentFor(MANIFEST);
const int8 = parseCodec("int8");

/** A server of one client, which says what it is told after the assignment. */
async function fateOf(
  downlink: string | undefined,
  frames: readonly Uint8Array<ArrayBuffer>[],
): Promise<{ error: unknown; told: Message[]; steps: number }> {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const told: Message[] = [];
  const serving = (async () => {
    const channel = await listener.accept();
    if (channel === null) return;
    listener.close();
    const connection = new Connection(channel);
    try {
      await connection.receive();
      const payload = { ...ASSIGNMENT, ...(downlink !== undefined && { downlink }) };
      await connection.send({ code: MessageCode.IdAssignment, payload });
      for (const frame of frames) await channel.write(frame);
      for (let got = await connection.receive(); got; got = await connection.receive()) {
        if (got.message) told.push(got.message);
      }
    } catch { /* the client is gone */ }
    await connection.close(0.1);
  })();
  let error: unknown, steps = 0;
  await new ClientSyncTop(new FakeHandler(MANIFEST, { step: () => void steps++ }), {
    serverAddr: listener.address,
    logger: silentLogger,
    timeouts: { joinSeconds: 30, drainSeconds: 0.1 },
  }).run().catch((thrown) => error = thrown);
  listener.close();
  await serving;
  return { error, told, steps };
}

const coded = (round: number, shift = 0) =>
  encodeVector(int8, Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(i + shift)), {
    ...{ seed: 1, round, rank: 0 },
  });
const compressed = (payload: Record<string, unknown>) =>
  frameOf({
    code: MessageCode.CompressedUpdate,
    payload: { round: 1, codec: "int8", ...coded(1), ...payload },
  });
const evaluated = (payload: Record<string, unknown>) =>
  frameOf({
    code: MessageCode.EvaluateParams,
    payload: { round: 1, codec: "int8", ...coded(2), ...payload },
  });

const first = coded(1), second = coded(2, 1e-3), none = new Float32Array();
const change = encodeDifference(int8, first, second) ?? new Uint8Array();
const below = { ...first, scales: first.scales.map((scale) => -scale) };
const negative = encodeDifference(int8, first, below) ?? new Uint8Array();
const sound = compressed({});
/** Parameters of the second round as a difference to those of the first. */
const difference = (payload: Record<string, unknown>) =>
  compressed({ round: 2, base: 1, scales: none, codes: change, ...payload });
/** Head of a frame whose body is as long as a body may be. */
const endless = sound.slice(0, PREFIX_BYTES);
new DataView(endless.buffer).setBigUint64(8, 2n ** 31n, true);

const DELTA = "int8+delta";
for (
  const [what, fault, downlink, frames] of [
    ["a codec that it does not know", "wrong-codec", "zip", []],
    ["settings that no codec has", "wrong-codec", "eden:bits=9", []],
    ["differences of differences", "wrong-codec", "int8+delta+delta", []],
    ["differences alone", "wrong-codec", "delta", []],
    ["codes where no codec was agreed on", "wrong-codec", undefined, [compressed({})]],
    ["another codec", "wrong-codec", DELTA, [compressed({ codec: "f16" })]],
    ["the name with +delta", "wrong-codec", DELTA, [compressed({ codec: DELTA })]],
    ["fewer codes", "shape-mismatch", DELTA, [compressed({ codes: new Uint8Array(LENGTH - 1) })]],
    ["more codes", "shape-mismatch", DELTA, [compressed({ codes: new Uint8Array(LENGTH + 1) })]],
    ["no codes", "shape-mismatch", "int8", [compressed({ codes: new Uint8Array() })]],
    ["no scales", "shape-mismatch", "int8", [compressed({ scales: none })]],
    ["plain values", "shape-mismatch", DELTA, [compressed({ plain: new Float32Array(1) })]],
    ["more values than the model", "frame-too-large", DELTA, [
      compressed({ codes: new Uint8Array(70_000) }),
    ]],
    ["a body of 2 GiB", "frame-too-large", DELTA, [endless]],
    ...[NaN, -1, -Infinity, Infinity].map((scale) =>
      [`a scale of ${scale}`, "non-finite", DELTA, [
        compressed({ scales: new Float32Array([1, scale]) }),
      ]] as const
    ),
    ["values beyond float32", "non-finite", "int8", [
      compressed({
        scales: new Float32Array(2).fill(3e38),
        codes: new Uint8Array(LENGTH).fill(127),
      }),
    ]],
    ["a base where none was agreed on", "invalid-field", "int8", [compressed({ base: 1 })]],
    ["a difference to nothing", "invalid-field", DELTA, [difference({})]],
    ["a difference to another round", "invalid-field", DELTA, [sound, difference({ base: 2 })]],
    ["a difference to what was forgotten", "invalid-field", DELTA, [
      sound,
      frameOf({
        code: MessageCode.ParameterUpdate,
        payload: { round: 2, parameters: new Float32Array(LENGTH) },
      }),
      difference({ round: 3 }),
    ]],
    ["a difference with scales", "shape-mismatch", DELTA, [sound, difference({ ...first })]],
    ["a difference with plain values", "shape-mismatch", DELTA, [
      sound,
      difference({ plain: new Float32Array(1) }),
    ]],
    ["a difference that ends early", "shape-mismatch", DELTA, [
      sound,
      difference({ codes: change.subarray(0, 9) }),
    ]],
    ["a difference that goes on", "shape-mismatch", DELTA, [
      sound,
      difference({ codes: new Uint8Array(change.length + 40) }),
    ]],
    ["a difference of noise", "invalid-field", DELTA, [
      sound,
      difference({ codes: new Uint8Array(change.length).fill(0x2A) }),
    ]],
    ["a difference to negative scales", "non-finite", DELTA, [
      sound,
      difference({ codes: negative }),
    ]],
    ["a difference of another codec", "wrong-codec", DELTA, [
      sound,
      difference({ codec: "f16" }),
    ]],
    ["codes to evaluate with a wrong base", "invalid-field", DELTA, [
      sound,
      evaluated({ base: 2, scales: none, codes: change }),
    ]],
    ["codes to evaluate of fewer values", "shape-mismatch", DELTA, [
      evaluated({ codes: new Uint8Array(1) }),
    ]],
    ["both forms to evaluate", "invalid-field", DELTA, [
      evaluated({ parameters: new Float32Array(LENGTH) }),
    ]],
  ] as readonly (readonly [string, string, string | undefined, Uint8Array<ArrayBuffer>[]])[]
) {
  Deno.test(`a client refuses a server that sends ${what}, as ${fault}`, async () => {
    const { error, told } = await fateOf(downlink, frames);
    assert(error instanceof ProtocolError, `${error}`);
    assertEquals(error.fault, fault, error.message);
    assert(/^Cannot (load|join|read)/.test(error.message), error.message);
    assert(error.message.length < 300 && !error.message.includes("\n"), error.message);
    const last = told.findLast(({ code }) => code === MessageCode.Error);
    assertEquals(last?.code === MessageCode.Error && last.payload.fault, fault);
  });
}

Deno.test("the same server without a fault is followed", async () => {
  const exit = frameOf({ code: MessageCode.Exit, payload: { reason: "enough" } });
  const { error, told } = await fateOf(DELTA, [
    sound,
    evaluated({ round: 1, base: 1, scales: none, codes: change }),
    evaluated({ round: 2, base: 2, scales: none, codes: new Uint8Array() }),
    exit,
  ]);
  assertEquals(error, undefined);
  assertEquals(told.filter(({ code }) => code === MessageCode.EvaluateParams).length, 2);
});
