import { oneLine, shortened } from "../base/printable.ts";
import { ProtocolError } from "../base/errors.ts";
import { v } from "./deps.ts";
import { MessageCode, messageName } from "./message_code.ts";
import type { Message } from "./messages.ts";

const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** Characters of the reason in an `Exit`, and of the message in an `Error`. */
export const MOST_REASON_LENGTH = 1024, MOST_MESSAGE_LENGTH = 4096;

/** Characters of a peer's own text that an error repeats. */
const MAX_QUOTED = 80;

function quoted(text: string): string {
  return shortened(oneLine(text), MAX_QUOTED);
}

const wholeFrom = (least: number, most = MAX_COUNT) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const finite = v.pipe(v.number(), v.finite());
const rank = wholeFrom(1, 0xFFFF_FFFF);
const round = wholeFrom(1, 0xFFFF_FFFF);
const worldSize = wholeFrom(2, 0xFFFF_FFFF);
const text = (most: number) => v.pipe(v.string(), v.maxLength(most));
/** Text that ends up in logs and errors: a peer must not break their lines or steer a terminal. */
const line = (most: number) => v.pipe(text(most), v.transform(oneLine));
const token = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const tensor = v.instance(Float32Array);
const metrics = v.record(line(64), finite);

const rule = v.variant("name", [
  v.strictObject({ name: v.literal("scaffold") }),
  v.strictObject({ name: v.literal("feddyn"), alpha: v.pipe(finite, v.gtValue(0)) }),
  v.strictObject({ name: v.literal("ditto"), lambda: v.pipe(finite, v.minValue(0)) }),
  v.strictObject({
    name: v.literal("fedper"),
    local: v.pipe(v.array(text(256)), v.minLength(1), v.maxLength(256)),
  }),
  v.strictObject({ name: v.literal("gradient") }),
  v.strictObject({ name: v.literal("initial-loss") }),
]);

const plan = v.strictObject({
  epochs: wholeFrom(1, 0xFFFF_FFFF),
  batchSize: wholeFrom(0, 0xFFFF_FFFF),
  learningRate: v.pipe(finite, v.gtValue(0)),
  momentum: v.pipe(finite, v.minValue(0), v.ltValue(1)),
  weightDecay: v.pipe(finite, v.minValue(0)),
  keepMomentum: v.boolean(),
  rule: v.exactOptional(rule),
  optimizer: v.exactOptional(v.picklist(["sgd", "adam"])),
  nesterov: v.exactOptional(v.boolean()),
  proximal: v.exactOptional(v.pipe(finite, v.minValue(0))),
});

const SCHEMAS = {
  [MessageCode.ParameterRequest]: v.object({}),
  [MessageCode.GradientUpdate]: v.object({
    round,
    numSamples: wholeFrom(1),
    loss: v.exactOptional(finite),
    metrics: v.exactOptional(metrics),
    gradient: tensor,
  }),
  [MessageCode.ParameterUpdate]: v.object({
    round,
    plan: v.exactOptional(plan),
    numSamples: v.exactOptional(wholeFrom(1)),
    steps: v.exactOptional(wholeFrom(0)),
    loss: v.exactOptional(finite),
    metrics: v.exactOptional(metrics),
    parameters: tensor,
    control: v.exactOptional(tensor),
    taken: v.exactOptional(wholeFrom(0)),
  }),
  [MessageCode.EvaluateParams]: v.object({
    round,
    parameters: v.exactOptional(tensor),
    taken: v.exactOptional(wholeFrom(0)),
    numSamples: v.exactOptional(wholeFrom(1)),
    loss: v.exactOptional(finite),
    accuracy: v.exactOptional(v.pipe(finite, v.minValue(0), v.maxValue(1))),
  }),
  [MessageCode.Exit]: v.object({
    reason: line(MOST_REASON_LENGTH),
    over: v.exactOptional(v.boolean()),
  }),
  [MessageCode.Registration]: v.object({
    rank: v.exactOptional(rank),
    worldSize: v.exactOptional(worldSize),
    token: v.exactOptional(token),
    agent: line(256),
  }),
  [MessageCode.IdAssignment]: v.object({
    rank,
    worldSize,
    rounds: wholeFrom(1, 0xFFFF_FFFF),
    run: line(64),
    token,
    heartbeatSeconds: v.pipe(finite, v.gtValue(0), v.maxValue(600)),
    patienceSeconds: v.exactOptional(v.pipe(finite, v.gtValue(0), v.maxValue(1e8))),
    awaits: v.exactOptional(round),
    seed: wholeFrom(0, 0xFFFF_FFFF),
    strategy: line(64),
    mode: v.exactOptional(v.picklist(["sync", "async"])),
    plan,
    manifest: v.array(v.object({
      name: text(256),
      shape: v.array(wholeFrom(0)),
      dtype: text(16),
      trainable: v.boolean(),
    })),
    manifestDigest: digest,
    model: v.exactOptional(v.record(v.string(), v.unknown())),
  }),
  [MessageCode.Heartbeat]: v.object({ progress: v.exactOptional(wholeFrom(0)) }),
  [MessageCode.Error]: v.object({
    fault: line(64),
    message: line(MOST_MESSAGE_LENGTH),
    fatal: v.boolean(),
    round: v.exactOptional(round),
  }),
  [MessageCode.Challenge]: v.object({
    nonce: digest,
    methods: v.pipe(v.array(line(32)), v.maxLength(16)),
    server: v.pipe(line(256), v.minLength(1)),
    run: v.pipe(line(64), v.minLength(1)),
  }),
  [MessageCode.Proof]: v.object({
    method: v.picklist(["ed25519", "token"]),
    publicKey: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))),
    signature: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/)),
  }),
  [MessageCode.Ready]: v.object({
    manifestDigest: digest,
    numSamples: wholeFrom(1),
    round: v.exactOptional(round),
  }),
} as const;

/**
 * The decoded map as a message. Keys that the code does not know are left out, so that a later version may add some.
 * Throws a `ProtocolError` "invalid-field" that names the field, what was expected and what came.
 */
export function checkMessage(code: MessageCode, map: unknown): Message {
  const result = v.safeParse(SCHEMAS[code], map, { abortEarly: true });
  if (result.success) return { code, payload: result.output } as Message;
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? "body";
  // Of a key that is not there valibot expects the key itself.
  const isMissing = issue.received === "undefined" &&
    issue.expected === JSON.stringify(issue.path?.at(-1)?.key);
  throw new ProtocolError(
    "invalid-field",
    `Cannot read ${messageName(code)}: field ${quoted(path)} ${
      isMissing
        ? "is missing"
        : `expected ${issue.expected ?? issue.type}, got ${quoted(issue.received)}`
    }`,
  );
}
