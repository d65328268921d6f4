import { oneLine, shortened } from "../base/printable.ts";
import { ProtocolError } from "../base/errors.ts";
import { v } from "../plan/deps.ts";
import {
  finiteNumber,
  metricsSchema,
  text,
  textLine,
  uint32,
  wholeNumber,
} from "../plan/schemas.ts";
import { trainSettingsSchema } from "../plan/settings.ts";
import { MessageCode, messageName } from "./message_code.ts";
import type { Message } from "./messages.ts";

/** Characters of the reason in an `Exit`, and of the message in an `Error`. */
export const MOST_REASON_LENGTH = 1024, MOST_MESSAGE_LENGTH = 4096;

/** Characters of a peer's own text that an error repeats. */
const MAX_QUOTED = 80;

function quoted(text: string): string {
  return shortened(oneLine(text), MAX_QUOTED);
}

const rank = uint32(1);
const round = uint32(1);
const worldSize = uint32(2);
const token = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const tensor = v.instance(Float32Array);
const SCHEMAS = {
  [MessageCode.ParameterRequest]: v.object({}),
  [MessageCode.GradientUpdate]: v.object({
    round,
    numSamples: wholeNumber(1),
    loss: v.exactOptional(finiteNumber),
    metrics: v.exactOptional(metricsSchema),
    gradient: tensor,
  }),
  [MessageCode.ParameterUpdate]: v.object({
    round,
    plan: v.exactOptional(trainSettingsSchema),
    numSamples: v.exactOptional(wholeNumber(1)),
    steps: v.exactOptional(wholeNumber(0)),
    loss: v.exactOptional(finiteNumber),
    metrics: v.exactOptional(metricsSchema),
    parameters: tensor,
    control: v.exactOptional(tensor),
    taken: v.exactOptional(wholeNumber(0)),
  }),
  [MessageCode.EvaluateParams]: v.object({
    round,
    parameters: v.exactOptional(tensor),
    taken: v.exactOptional(wholeNumber(0)),
    numSamples: v.exactOptional(wholeNumber(1)),
    loss: v.exactOptional(finiteNumber),
    accuracy: v.exactOptional(v.pipe(finiteNumber, v.minValue(0), v.maxValue(1))),
  }),
  [MessageCode.Exit]: v.object({
    reason: textLine(MOST_REASON_LENGTH),
    over: v.exactOptional(v.boolean()),
  }),
  [MessageCode.Registration]: v.object({
    rank: v.exactOptional(rank),
    worldSize: v.exactOptional(worldSize),
    token: v.exactOptional(token),
    agent: textLine(256),
  }),
  [MessageCode.IdAssignment]: v.object({
    rank,
    worldSize,
    rounds: uint32(1),
    run: textLine(64),
    token,
    heartbeatSeconds: v.pipe(finiteNumber, v.gtValue(0), v.maxValue(600)),
    patienceSeconds: v.exactOptional(v.pipe(finiteNumber, v.gtValue(0), v.maxValue(1e8))),
    awaits: v.exactOptional(round),
    seed: uint32(0),
    strategy: textLine(64),
    mode: v.exactOptional(v.picklist(["sync", "async"])),
    plan: trainSettingsSchema,
    manifest: v.array(v.object({
      name: text(256),
      shape: v.array(wholeNumber(0)),
      dtype: text(16),
      trainable: v.boolean(),
    })),
    manifestDigest: digest,
    model: v.exactOptional(v.record(v.string(), v.unknown())),
  }),
  [MessageCode.Heartbeat]: v.object({ progress: v.exactOptional(wholeNumber(0)) }),
  [MessageCode.Error]: v.object({
    fault: textLine(64),
    message: textLine(MOST_MESSAGE_LENGTH),
    fatal: v.boolean(),
    round: v.exactOptional(round),
  }),
  [MessageCode.Challenge]: v.object({
    nonce: digest,
    methods: v.pipe(v.array(textLine(32)), v.maxLength(16)),
    server: v.pipe(textLine(256), v.minLength(1)),
    run: v.pipe(textLine(64), v.minLength(1)),
  }),
  [MessageCode.Proof]: v.object({
    method: v.picklist(["ed25519", "token"]),
    publicKey: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))),
    signature: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/)),
  }),
  [MessageCode.Ready]: v.object({
    manifestDigest: digest,
    numSamples: wholeNumber(1),
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
