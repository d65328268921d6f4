import type { ClientEvent } from "../../client/events.ts";
import { v } from "../../plan/deps.ts";
import type { FromWorker } from "../../worker/messages.ts";
import type { PostedLine } from "../../worker/posted_log.ts";

/** Figure; NaN is null in JSON. */
const figure = v.pipe(v.nullable(v.number()), v.transform((value) => value ?? NaN));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const KNOWN = ["built", "joined", "trained", "evaluated", "log"];

const event = v.union([
  // The handler has been made.
  v.object({ type: v.literal("built") }),
  v.object({ type: v.literal("joined"), rank: count, worldSize: count, rounds: count }),
  v.object({
    type: v.literal("trained"),
    round: count,
    seconds: figure,
    result: v.object({
      numSamples: count,
      steps: count,
      loss: figure,
      metrics: v.record(v.string(), figure),
    }),
  }),
  v.object({
    type: v.literal("evaluated"),
    round: count,
    result: v.object({
      numSamples: count,
      loss: figure,
      accuracy: v.exactOptional(v.number()),
      metrics: v.exactOptional(v.record(v.string(), figure)),
    }),
  }),
  v.object({
    type: v.literal("log"),
    level: v.picklist(["debug", "info", "warn", "error"]),
    text: v.string(),
  }),
  // A module may use another version of the package, with more types of messages.
  v.pipe(
    v.object({ type: v.pipe(v.string(), v.check((type) => !KNOWN.includes(type))) }),
    v.transform(() => ({ type: "unknown" as const })),
  ),
]);

const thrown = v.variant("kind", [
  v.looseObject({ kind: v.literal("value") }),
  v.looseObject({
    kind: v.literal("error"),
    type: v.string(),
    name: v.string(),
    message: v.string(),
  }),
]);

const message = v.variant("fedlab", [
  v.object({ fedlab: v.literal("ready") }),
  v.object({ fedlab: v.literal("message"), message: event }),
  v.object({ fedlab: v.literal("done") }),
  v.object({ fedlab: v.literal("failed"), thrown }),
]);

/** Message from the process of a client module. */
export type ModuleMessage =
  | { readonly fedlab: "ready" | "done" }
  | {
    readonly fedlab: "message";
    readonly message: ClientEvent | PostedLine | { readonly type: "built" } | {
      readonly type: "unknown";
    };
  }
  | Extract<FromWorker, { readonly fedlab: "failed" }>;

/**
 * Reads a line from the process of a client module, which is not trusted.
 *
 * @throws {Error} If the line is not a message.
 */
export function parseModuleMessage(line: string): ModuleMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const parsed = v.safeParse(message, value);
  if (parsed.success) return parsed.output as ModuleMessage;
  throw new Error(
    `expected a message of a client, got ${JSON.stringify(line.slice(0, 80))}`,
  );
}
