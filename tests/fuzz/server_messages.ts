import { createHash } from "node:crypto";
import {
  DEFAULT_PLAN,
  digits,
  logisticRegression,
  MessageCode,
  NativeSGDHandler,
  type Random,
} from "../../mod.ts";
import { canonicalJson, schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import type { Message } from "../../src/wire/mod.ts";
import { type Bytes, cbor, framed, frameOf, map, MESSAGES, pick } from "./frames.ts";
import * as mutations from "./mutations.ts";
import { LENGTH } from "./run.ts";

const MODEL = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });
/** Schema of the digits. */
const SCHEMA: Schema = (await digits()).schema ?? {
  format: "fedlab.schema/1",
  inputs: [{ name: "image", kind: "image", shape: [8, 8, 1] }],
  target: {
    name: "label",
    task: "classification",
    classes: Array.from({ length: 10 }, (_, i) => `${i}`),
  },
};
const ROWS = Uint32Array.from({ length: 20 }, (_, i) => i);

/** A client that trains a real model, of few rows. */
export async function trainee(): Promise<NativeSGDHandler> {
  return new NativeSGDHandler({ data: await digits(), rows: ROWS });
}

/** Lets a client in that brings its own model. */
export const ASSIGNMENT = soundMessage(MessageCode.IdAssignment);

/** Lets a client in that builds the model which the server describes. */
export const MODEL_ASSIGNMENT: Message = await (async () => {
  await using handler = await trainee();
  await handler.setUp(MODEL);
  const { manifest } = handler;
  const tensors = manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
    name,
    shape,
    dtype,
    trainable,
  }));
  return {
    code: MessageCode.IdAssignment,
    payload: {
      ...ASSIGNMENT.payload,
      manifest: tensors,
      manifestDigest: await manifest.digest(),
      model: { ...MODEL },
      schema: { ...SCHEMA },
      schemaDigest: await schemaDigest(SCHEMA),
    },
  } as Message;
})();

/** Number of values of that model. */
const MODEL_LENGTH = 650;

function soundMessage(code: MessageCode): Message {
  const found = MESSAGES.find((message) => message.code === code);
  if (found === undefined) throw new Error(`There is no message of code ${code}`);
  return found;
}

/** What a server may ask of a client that has joined. */
export function question(random: Random, { round, builds }: {
  round: number;
  builds: boolean;
}): Message {
  const length = builds ? MODEL_LENGTH : LENGTH;
  const parameters = new Float32Array(length).fill(pick(random, [0, 0.5]));
  const isTrained = random.below(3) > 0;
  if (!isTrained) return { code: MessageCode.EvaluateParams, payload: { round, parameters } };
  const rule = pick(
    random,
    [undefined, { name: "scaffold" }, { name: "feddyn", alpha: 0.1 }] as const,
  );
  return {
    code: MessageCode.ParameterUpdate,
    payload: {
      round,
      parameters,
      ...(random.below(2) === 0 && { plan: { ...DEFAULT_PLAN, ...(rule && { rule }) } }),
      ...(rule?.name === "scaffold" && { control: new Float32Array(length) }),
      ...(random.below(3) === 0 && { taken: round - 1 }),
    },
  };
}

/** A message's frame, spoiled. */
export function spoiled(random: Random, message: Message): Bytes {
  const kind = random.below(10);
  if (kind < 4) return mutations.mutated(random, frameOf(message));
  if (kind < 6) return mutations.confused(random, message);
  if (kind < 7) return mutations.tagged(random, message);
  if (kind < 8) return deeplyConfused(random, message);
  const make = pick(random, [
    mutations.random,
    mutations.overlong,
    mutations.deep,
    mutations.repeated,
    mutations.mutated,
  ]);
  return make(random);
}

/** A sound message with something wrong anywhere within: in a plan, a tensor's shape, a layer. */
export function deeplyConfused(random: Random, { code, payload }: Message): Bytes {
  const copy: unknown = structuredClone(payload);
  for (let n = 1 + random.below(2); n > 0; n--) confuse(random, copy);
  // A schema of the right digest is read further than one of another.
  if (isContainer(copy) && copy.schema !== undefined && random.below(2) === 0) {
    copy.schemaDigest = createHash("sha256").update(canonicalJson(copy.schema)).digest("hex");
  }
  const entries = Object.entries(copy as object);
  return framed(code, map(entries.map(([key, value]) => [key, cbor(value)] as const)));
}

const NUMBERS = [0, -1, 0.5, 3, 2 ** 16, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, 1e308, -0];

function confuse(random: Random, root: unknown): void {
  let holder: unknown = root;
  for (;;) {
    const keys = isContainer(holder) ? Object.keys(holder) : [];
    if (!isContainer(holder) || keys.length === 0) return;
    const key = pick(random, keys), value = holder[key];
    // Deeper, as far as it goes, more often than not.
    if (isContainer(value) && random.below(6) > 0) {
      holder = value;
      continue;
    }
    const kind = random.below(4);
    if (kind === 0 && !Array.isArray(holder)) delete holder[key];
    else if (kind === 1) holder[key] = pick(random, mutations.WRONG);
    else {holder[key] = typeof value === "number"
        ? pick(random, NUMBERS)
        : pick(random, mutations.WRONG);}
    return;
  }
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

/** A nonce that a client signs. */
export const CHALLENGE = soundMessage(MessageCode.Challenge);

/** Magic, version and code of an `Exit`. */
const EXIT = frameOf({ code: MessageCode.Exit, payload: { reason: "" } }).subarray(0, 8);

/** Whether among the bytes is the head of a frame of `Exit`. */
export function saysExit(bytes: Bytes): boolean {
  for (let at = bytes.indexOf(EXIT[0] ?? 0); at >= 0; at = bytes.indexOf(EXIT[0] ?? 0, at + 1)) {
    if (EXIT.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}
