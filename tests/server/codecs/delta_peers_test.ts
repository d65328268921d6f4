/** Differences that a server sends to hand-made peers. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CheckpointStore, MessageCode, type ServerTopologyOptions } from "../../../mod.ts";
import { applyDifference, codedDigest } from "../../../src/codec/difference.ts";
import { encodeVector, parseCodec } from "../../../src/codec/mod.ts";
import type { CodedVector } from "../../../src/codec/vector_coder.ts";
import type { CompressedUpdatePayload } from "../../../src/wire/mod.ts";
import { SEED } from "../../helpers/codec_runs.ts";
import { Peer } from "../../helpers/peer.ts";
import { runPlayed, vectorHandler } from "../../helpers/played_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 2000, CODECS = ["int8", "delta"];
const int8 = parseCodec("int8");

/** Parameters of a round by hand: each changes by a little. */
const vectorOf = (round: number) =>
  Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(i) + round * 0.002 * Math.cos(7 * i));
/** Those that clients are sent in a round. */
const sentIn = (round: number) =>
  encodeVector(int8, vectorOf(round - 1), { seed: SEED, round, rank: 0 });

/** Runs a server that sends differences, with clients that are played by hand. */
async function withServer(
  play: (address: string) => Promise<void>,
  { fraction = 1, ...options }:
    & Partial<ServerTopologyOptions>
    & { fraction?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const downlink = parseCodec("int8+delta");
  const handler = vectorHandler(vectorOf(0), { seed: SEED, downlink, fraction });
  await runPlayed(handler, { worldSize: 2, rounds: 3, ...options }, play);
}

/** Takes the parameters of a round and answers with those of the next. */
async function answer(peer: Peer): Promise<CompressedUpdatePayload> {
  const sent = await peer.until(MessageCode.CompressedUpdate);
  await peer.send({
    code: MessageCode.ParameterUpdate,
    payload: { round: sent.round, numSamples: 1, parameters: trainedFrom(sent.round) },
  });
  return sent;
}

/** Update by which the server has the parameters of the round after. */
function trainedFrom(round: number): Float32Array<ArrayBuffer> {
  const { scales, codes } = sentIn(round), before = vectorOf(round - 1), after = vectorOf(round);
  const values = new Int8Array(codes.buffer);
  return after.map((x, i) =>
    (values[i] ?? 0) * (scales[i >> 8] ?? 0) + Math.fround(x - (before[i] ?? 0))
  );
}

async function leave(peer: Peer): Promise<void> {
  await peer.until(MessageCode.Exit);
  await peer.send({ code: MessageCode.Exit, payload: { reason: "over" } });
  await peer[Symbol.asyncDispose]();
}

/** Asserts that a message has parameters as they are sent in a round. */
function assertSent({ scales, codes }: CodedVector, round: number, base: CodedVector): void {
  const coded = scales.length > 0 ? { scales, codes } : applyDifference(int8, base, codes);
  const { codes: expected } = sentIn(round);
  const far = [...coded.codes].filter((code, i) => code !== expected[i]).length;
  // Sums in float32 differ in their last bits, and so do few codes that lie between two.
  assert(far < LENGTH / 100, `${far} codes differ`);
}

Deno.test("a client that reads differences is sent whole parameters first, then differences", async () => {
  await withServer(async (address) => {
    const peer = await Peer.connect(address);
    const { downlink } = await peer.join({ codecs: CODECS });
    assertEquals(downlink, "int8+delta");
    let held: CodedVector = sentIn(1);
    for (let round = 1; round <= 3; round++) {
      const sent = await answer(peer);
      const { length } = sent.codes;
      assertEquals([sent.codec, sent.base], ["int8", round === 1 ? undefined : round - 1]);
      assert(round === 1 ? length === LENGTH : length < LENGTH / 2, `${length} bytes`);
      assertSent(sent, round, held);
      held = round === 1
        ? { scales: sent.scales.slice(), codes: sent.codes.slice() }
        : applyDifference(int8, held, sent.codes);
    }
    await leave(peer);
  });
});

for (
  const [codecs, downlink] of [[["int8"], "int8"], [["delta"], undefined], [[], undefined]] as const
) {
  Deno.test(`a client that knows ${codecs} is sent whole parameters`, async () => {
    await withServer(async (address) => {
      const peer = await Peer.connect(address);
      assertEquals((await peer.join({ codecs: [...codecs] })).downlink, downlink);
      for (let round = 1; round <= 3; round++) {
        if (downlink === undefined) {
          const { parameters } = await peer.until(MessageCode.ParameterUpdate);
          await peer.update(round, parameters.slice());
          continue;
        }
        const { base, codes } = await answer(peer);
        assertEquals([base, codes.length], [undefined, LENGTH]);
      }
      await leave(peer);
    });
  });
}

for (
  const [what, more, base] of [
    ["what it has", (holds: string) => ({ base: 1, holds }), 1],
    ["it by another number", (holds: string) => ({ base: 9, holds }), 9],
    [
      "something else",
      (holds: string) => ({ base: 1, holds: holds.replaceAll("a", "b") }),
      undefined,
    ],
    ["no number", (holds: string) => ({ holds }), undefined],
    ["nothing", () => ({}), undefined],
  ] as const
) {
  Deno.test(`a client that comes back and names ${what} is sent parameters with the base ${base}`, async () => {
    await withServer(async (address) => {
      const first = await Peer.connect(address);
      const { token } = await first.join({ codecs: CODECS });
      const held = await answer(first);
      const coded = { scales: held.scales.slice(), codes: held.codes.slice() };
      await first.until(MessageCode.CompressedUpdate);
      await first[Symbol.asyncDispose]();
      const peer = await Peer.connect(address);
      await peer.join({ codecs: CODECS, token }, undefined, more(await codedDigest(coded)));
      const sent = await answer(peer);
      assertEquals([sent.round, sent.base], [2, base]);
      assertSent(sent, 2, coded);
      assertEquals((await answer(peer)).base, 2);
      await leave(peer);
    });
  });
}

Deno.test("a server that was started again sends whole parameters first", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const checkpoints = new CheckpointStore(folder);
    let token = "", held: CodedVector | undefined;
    const stop = new AbortController();
    const stopped = withServer(async (address) => {
      const peer = await Peer.connect(address);
      ({ token } = await peer.join({ codecs: CODECS }));
      await answer(peer);
      // The second round is asked for when the first one is saved.
      const { codes } = await peer.until(MessageCode.CompressedUpdate);
      held = applyDifference(int8, sentIn(1), codes.slice());
      stop.abort();
      await leave(peer);
    }, { checkpoints, signal: stop.signal });
    await assertRejects(() => stopped, DOMException, "aborted");
    const resume = await checkpoints.latest();
    assert(resume && held);
    const holds = await codedDigest(held);
    await withServer(async (address) => {
      const peer = await Peer.connect(address);
      await peer.join({ codecs: CODECS, token }, undefined, { base: 2, holds });
      const sent = await answer(peer);
      assertEquals([sent.round, sent.base, sent.codes.length], [2, undefined, LENGTH]);
      assertEquals((await answer(peer)).base, 2);
      await leave(peer);
    }, { resume });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a client that was left out is sent the difference to its older parameters", async () => {
  const bases: [round: number, base: number | undefined][][] = [];
  await withServer(
    async (address) => {
      await Promise.all([1, 2].map(async () => {
        const peer = await Peer.connect(address), own: [number, number | undefined][] = [];
        bases.push(own);
        await peer.join({ codecs: CODECS });
        for (;;) {
          const message = await peer.next();
          if (message.code === MessageCode.Exit) break;
          if (message.code !== MessageCode.CompressedUpdate) continue;
          const { round, base } = message.payload;
          own.push([round, base]);
          await peer.update(round, trainedFrom(round));
        }
        await peer.send({ code: MessageCode.Exit, payload: { reason: "over" } });
        await peer[Symbol.asyncDispose]();
      }));
    },
    { worldSize: 3, rounds: 8, fraction: 0.5 },
  );
  for (const own of bases) {
    own.forEach(([, base], i) => assertEquals(base, own[i - 1]?.[0]));
  }
  assert(bases.flat().some(([round, base]) => base !== undefined && round - base > 1));
});
