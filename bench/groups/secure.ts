/**
 * Speed of secure aggregation.
 *
 * @module
 */

import { Random } from "../../src/base/random.ts";
import { SecureClient } from "../../src/secure/client/client.ts";
import { ClearSum } from "../../src/secure/clear_sum.ts";
import { graphParameters } from "../../src/secure/graph.ts";
import { applyMasks } from "../../src/secure/masks.ts";
import type { MaskedUpdate } from "../../src/secure/messages.ts";
import { LANES, quantizeUpdate } from "../../src/secure/quantize.ts";
import { ringOf } from "../../src/secure/ring.ts";
import { SecureSession } from "../../src/secure/server/session.ts";
import { demoRounds } from "../helpers/demo_rounds.ts";
import { processorMillis } from "../helpers/processor_time.ts";
import { secureCalls } from "../helpers/secure_calls.ts";
import { type BenchOptions, type BenchResult, mostResult, rateResult } from "../result.ts";

/** Values of the CNN: 6.65 MB. */
const CNN_VALUES = 1_663_370;
const REPETITIONS = 30;
/** Rounds of the calls of WebCrypto alone, as many as the demo has. */
const CALL_ROUNDS = 20;
/** Bytes of masks per second to reach. */
const GOAL_BYTES_PER_SECOND = 1.2e9;
/** Most bytes of a masked value, of a message of 100,000 values. */
const MOST_BYTES_A_VALUE = 4.05;

/**
 * Measures masks, in place, beside the goal and beside AES-256-CTR of WebCrypto into new memory,
 * rounds of the demo with masks beside those without, and whole rounds in this process: the time of
 * a client is that of all its steps but training, that of the server all of its own. It is time of
 * the processor, which on an idle machine is no less than wall time. Sums are compared with those in
 * the clear.
 */
export async function* secureBench({ seed, signal }: BenchOptions): AsyncGenerator<BenchResult> {
  const many = { members: 500, length: 100_000, seed, signal };
  yield* await roundRows(many, { client: 100, none: 1000 });
  yield* await roundRows({ ...many, drop: 0.1 }, { some: 3000 });
  const wide = { members: 100, length: CNN_VALUES, few: 5, seed, signal };
  yield* await roundRows(wide, { client: 250 });
  yield* await maskRows(signal);
  yield* await demoRows(signal);
}

/**
 * Measures the shortest round of the demo with ten clients, with masks and without, by turns, and
 * what the least would be: one without, and the calls of WebCrypto that masks need.
 */
async function demoRows(signal: AbortSignal): Promise<BenchResult[]> {
  const members = 10, ratios: number[] = [], floors: number[] = [];
  const options = ["--clients", `${members}`, "--rounds", "20"];
  const shortest = async (...more: string[]) =>
    Math.min(...await demoRounds([...options, ...more], signal));
  for (let i = 0; i < 3; i++) {
    const plain = await shortest();
    ratios.push(await shortest("--secure-aggregation") / plain);
    let calls = Infinity;
    for (let round = 0; round < CALL_ROUNDS; round++) {
      calls = Math.min(calls, await secureCalls(members));
    }
    floors.push((plain + calls) / plain);
  }
  const name = `secure round of the demo, ${members} clients, of one without`;
  const goal = { unit: "×", most: 3 };
  return [mostResult(name, ratios, goal), mostResult(`${name}: calls alone`, floors, goal)];
}

async function maskRows(signal: AbortSignal): Promise<BenchResult[]> {
  const vector = new Uint32Array(CNN_VALUES), bytes = vector.byteLength;
  const key = new Uint8Array(32).fill(7), text = new Uint8Array(bytes);
  const aes = await crypto.subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
  const algorithm = { name: "AES-CTR", counter: new Uint8Array(16), length: 64 };
  const times = { masks: new Array<number>(), aes: new Array<number>() };
  for (let repetition = -2; repetition < REPETITIONS; repetition++) {
    signal.throwIfAborted();
    const start = performance.now();
    await applyMasks(vector, { add: [key], subtract: [] });
    const middle = performance.now();
    await crypto.subtle.encrypt(algorithm, aes, text);
    if (repetition < 0) continue;
    times.masks.push(middle - start);
    times.aes.push(performance.now() - middle);
  }
  const masks = { bytes, times: times.masks };
  return [
    rateResult("secure masks", masks, { bytes: GOAL_BYTES_PER_SECOND / 1000, times: [1] }, 1),
    rateResult("secure masks beside AES-CTR", masks, { bytes, times: times.aes }),
  ];
}

interface RoundCase {
  readonly members: number;
  readonly length: number;
  /** Share of the members that is lost after sharing. */
  readonly drop?: number;
  /** Number of members that make an update, where the server's time is not measured. */
  readonly few?: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Runs a round and gives the rows with a goal, in milliseconds. */
async function roundRows(
  { members, length, drop = 0, few = members, seed, signal }: RoundCase,
  goals: { readonly client?: number; readonly none?: number; readonly some?: number },
): Promise<BenchResult[]> {
  const name = `secure n ${members}, ${length} values`;
  const ring = ringOf({ clip: 1, maxSamples: 1000, maxMembers: members });
  const vector = new Float32Array(length), update = new Float32Array(length);
  const random = new Random(seed, "test");
  for (let i = 0; i < length; i++) update[i] = random.normal() / 100;
  const ranks = Array.from({ length: members }, (_, i) => i + 1);
  const clients = ranks.map((rank) => new SecureClient({ run: "bench", rank }));
  const id = { round: 1, attempt: 1 }, told = new Uint8Array();
  const session = new SecureSession({
    ...{ ...id, run: "bench", vector, ring, told, minMembers: 5 },
    graph: graphParameters,
  });
  let server = 0;
  const spent = new Float64Array(members);
  const atServer = async <T>(work: () => T | Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const start = processorMillis();
    const result = await work();
    server += processorMillis() - start;
    return result;
  };
  const atClient = async <T>(
    rank: number,
    work: (client: SecureClient) => Promise<T>,
  ): Promise<T> => {
    signal.throwIfAborted();
    const client = clients[rank - 1];
    if (client === undefined) throw new Error(`no client ${rank}`);
    const start = processorMillis();
    const result = await work(client);
    spent[rank - 1] = (spent[rank - 1] ?? 0) + processorMillis() - start;
    return result;
  };
  for (const rank of ranks) {
    const keys = await atClient(rank, (client) => client.keys());
    await atServer(() => session.addKeys(rank, keys));
  }
  for (const [rank, message] of await atServer(() => session.closeKeys())) {
    const shares = await atClient(
      rank,
      (client) => client.share(message, { vector, ring, told }),
    );
    await atServer(() => session.addShares(rank, shares));
  }
  const clear = new ClearSum(length + LANES), lost = Math.round(drop * members);
  let last: MaskedUpdate | undefined;
  for (const [rank, message] of await atServer(() => session.closeShares())) {
    if (rank > few) continue;
    await atClient(rank, (client) => client.receive(message));
    const figures = { samples: 600, loss: 1, steps: 60 };
    const quantized = await atClient(
      rank,
      (_) => Promise.resolve(quantizeUpdate(ring, update, figures, { seed, round: 1, rank })),
    );
    if (rank > lost && few === members) clear.add(quantized);
    const masked = await atClient(rank, (client) => client.mask(id, quantized));
    if (rank > lost && few === members) await atServer(() => session.addMasked(rank, masked));
    last = masked;
  }
  if (few === members) {
    for (const [rank, request] of await atServer(() => session.closeMasked())) {
      const shares = await atClient(rank, (client) => client.reveal(request));
      await atServer(() => session.addReveal(rank, shares));
    }
    const { sums } = await atServer(() => session.finish());
    if (!sums.every((sum, i) => sum === clear.finish()[i])) {
      throw new Error("the sum under masks differs from that in the clear");
    }
  }
  const ofClients = [...spent.subarray(lost, few)];
  const rows: BenchResult[] = [];
  if (goals.client !== undefined) {
    rows.push(mostResult(`${name}: a client`, ofClients, { unit: "ms", most: goals.client }));
  }
  const most = goals.none ?? goals.some;
  if (most !== undefined) {
    const which = drop === 0 ? "none lost" : `${100 * drop}% lost`;
    rows.push(mostResult(`${name}: server, ${which}`, [server], { unit: "ms", most }));
  }
  if (goals.none !== undefined && last !== undefined) {
    const bytes = (last.masked.byteLength + last.seedDigest.length) / length;
    rows.push(
      mostResult("secure bytes of a masked value", [bytes], {
        unit: "bytes",
        most: MOST_BYTES_A_VALUE,
      }),
    );
  }
  return rows;
}
