import { MessageCode, type Random } from "../../mod.ts";
import { concat as concatAll } from "../../src/base/bytes.ts";
import { type Message, PREFIX_BYTES } from "../../src/wire/mod.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { frameOf } from "../helpers/frame.ts";
import { CODEC, LENGTH, MANIFEST, WORLD_SIZE } from "./run.ts";

export { frameOf };

/** Bytes on their way to a server. */
export type Bytes = Uint8Array<ArrayBuffer>;

const DIGEST = await MANIFEST.digest();
/** Schema without names of columns, which every handler agrees with. */
const SCHEMA: Schema = {
  format: "fedlab.schema/1",
  inputs: [{
    name: "features",
    kind: "array",
    shape: [2],
    standardize: { mean: [0.5, -1], deviation: [1, 0] },
  }],
  target: { name: "label", task: "classification", classes: ["0", "1"] },
};
const TOKEN = "0123456789abcdef".repeat(2);
const PLAN = {
  epochs: 1,
  batchSize: 10,
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
};

const ATTEMPT = { round: 1, attempt: 7 };
const KEY = new Uint8Array(32).fill(9), SIGNATURE = new Uint8Array(64);

/** One sound message of each code. */
export const MESSAGES: readonly Message[] = [
  { code: MessageCode.ParameterRequest, payload: {} },
  {
    code: MessageCode.GradientUpdate,
    payload: { round: 1, numSamples: 7, gradient: new Float32Array(16) },
  },
  {
    code: MessageCode.ParameterUpdate,
    payload: {
      round: 1,
      numSamples: 7,
      steps: 3,
      loss: 0.5,
      metrics: { accuracy: 0.5 },
      parameters: new Float32Array(LENGTH).fill(1),
    },
  },
  {
    code: MessageCode.EvaluateParams,
    payload: { round: 1, numSamples: 7, loss: 0.5, accuracy: 0.25 },
  },
  { code: MessageCode.Exit, payload: { reason: "enough" } },
  {
    code: MessageCode.Registration,
    payload: { worldSize: WORLD_SIZE, token: TOKEN, agent: "fuzz" },
  },
  {
    code: MessageCode.IdAssignment,
    payload: {
      rank: 3,
      worldSize: WORLD_SIZE,
      rounds: 3,
      run: "run",
      token: TOKEN,
      heartbeatSeconds: 5,
      seed: 1,
      strategy: "fedavg",
      plan: PLAN,
      manifest: MANIFEST.tensors.map(({ name, shape, dtype, trainable }) => ({
        name,
        shape,
        dtype,
        trainable,
      })),
      manifestDigest: DIGEST,
      schema: { ...SCHEMA },
      schemaDigest: await schemaDigest(SCHEMA),
    },
  },
  { code: MessageCode.Heartbeat, payload: {} },
  { code: MessageCode.Error, payload: { fault: "non-finite", message: "no", fatal: false } },
  {
    code: MessageCode.Ready,
    payload: { manifestDigest: DIGEST, numSamples: 7, round: 1, schemaDigest: DIGEST },
  },
  {
    code: MessageCode.Challenge,
    payload: { nonce: DIGEST, methods: ["token"], server: "fedlab", run: "run" },
  },
  {
    code: MessageCode.Proof,
    payload: { method: "token", publicKey: "A".repeat(43), signature: DIGEST },
  },
  {
    code: MessageCode.StatisticsRequest,
    payload: { id: 1, minCount: 5, question: { kind: "columns", from: 0 } },
  },
  {
    code: MessageCode.Statistics,
    payload: {
      id: 1,
      answer: {
        kind: "columns",
        rows: 9,
        columns: [{ name: "a", kind: "number", missing: 1, sum: 8, low: 1, high: 2, form: "real" }],
      },
    },
  },
  {
    code: MessageCode.CompressedUpdate,
    payload: {
      ...{ round: 1, numSamples: 7, steps: 3, codec: CODEC },
      scales: new Float32Array(Math.ceil(LENGTH / 256)).fill(1e-3),
      codes: new Uint8Array(LENGTH),
    },
  },
  {
    code: MessageCode.EvaluateParams,
    payload: {
      ...{ round: 1, codec: CODEC },
      scales: new Float32Array(Math.ceil(LENGTH / 256)).fill(1e-3),
      codes: new Uint8Array(LENGTH),
    },
  },
  {
    code: MessageCode.SecureKeys,
    payload: { ...ATTEMPT, serial: 1, maskKey: KEY, sealKey: KEY, signature: SIGNATURE },
  },
  {
    code: MessageCode.SecureMembers,
    payload: {
      ...ATTEMPT,
      threshold: 2,
      members: [1, 2, 3].map((rank) => ({ rank, serial: 1, maskKey: KEY, sealKey: KEY })),
    },
  },
  {
    code: MessageCode.SecureShares,
    payload: { ...ATTEMPT, shares: [1, 2].map((rank) => ({ rank, box: new Uint8Array(102) })) },
  },
  {
    code: MessageCode.MaskedUpdate,
    payload: { ...ATTEMPT, seedDigest: KEY, masked: new Uint32Array(LENGTH + 4).fill(7) },
  },
  { code: MessageCode.SurvivorList, payload: { ...ATTEMPT, survivors: [1, 2, 3] } },
  { code: MessageCode.SurvivorVote, payload: { ...ATTEMPT, signature: SIGNATURE } },
  {
    code: MessageCode.UnmaskRequest,
    payload: { ...ATTEMPT, dropped: [2], votes: [{ rank: 1, signature: SIGNATURE }] },
  },
  {
    code: MessageCode.UnmaskShares,
    payload: { ...ATTEMPT, shares: [new Uint8Array(33), new Uint8Array(33)] },
  },
];

/** Several pieces as one. */
export function concat(...pieces: readonly Uint8Array[]): Bytes {
  return concatAll(pieces);
}

/** One sound frame of each code. */
export const FRAMES: readonly Bytes[] = MESSAGES.map(frameOf);

/** The message by which a peer says that it is ready. */
export const READY: Message = {
  code: MessageCode.Ready,
  payload: { manifestDigest: DIGEST, numSamples: 1 },
};

/** One of the items. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}

/** Random bytes. */
export function noise(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A frame's prefix before any bytes: right but for what is given. */
export function framed(code: number, body: Uint8Array, length?: bigint): Bytes {
  const prefix = FRAMES[0]?.slice(0, PREFIX_BYTES) ?? new Uint8Array(PREFIX_BYTES);
  const view = new DataView(prefix.buffer);
  view.setUint16(6, code, true);
  view.setBigUint64(8, length ?? BigInt(body.length), true);
  return concat(prefix, body);
}

/** Head of a CBOR item, its argument in as many bytes as it is given, or in the fewest. */
export function head(major: number, argument: number | bigint, wide = false): Bytes {
  const type = major << 5;
  if (!wide && argument < 24) return Uint8Array.of(type | Number(argument));
  if (!wide && argument < 0x100) return Uint8Array.of(type | 24, Number(argument));
  const bytes = new DataView(new ArrayBuffer(9));
  bytes.setUint8(0, type | 27);
  bytes.setBigUint64(1, BigInt(argument));
  return new Uint8Array(bytes.buffer);
}

/** A CBOR text string. */
export function text(value: string): Bytes {
  const bytes = new TextEncoder().encode(value);
  return concat(head(3, bytes.length), bytes);
}

/** A CBOR map of entries that are bytes already. */
export function map(entries: readonly (readonly [string, Uint8Array])[]): Bytes {
  return concat(
    head(5, entries.length),
    ...entries.flatMap(([key, value]) => [text(key), value]),
  );
}

/** A value as CBOR, without any of an encoder's cares. */
export function cbor(value: unknown): Bytes {
  if (value === true || value === false) return Uint8Array.of(value ? 0xF5 : 0xF4);
  if (value === null) return Uint8Array.of(0xF6);
  if (typeof value === "string") return text(value);
  if (typeof value === "bigint") return value < 0n ? head(1, -1n - value) : head(0, value);
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return value < 0 ? head(1, -1 - value) : head(0, value);
    const bytes = new DataView(new ArrayBuffer(9));
    bytes.setUint8(0, 0xFB);
    bytes.setFloat64(1, value);
    return new Uint8Array(bytes.buffer);
  }
  if (value instanceof Float32Array) {
    return concat(head(6, 85), head(2, value.byteLength), new Uint8Array(value.buffer));
  }
  if (value instanceof Uint32Array) {
    return concat(head(6, 70), head(2, value.byteLength), new Uint8Array(value.buffer));
  }
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  if (Array.isArray(value)) return concat(head(4, value.length), ...value.map(cbor));
  return map(Object.entries(value as object).map(([key, one]) => [key, cbor(one)] as const));
}
