/**
 * Runs of worlds as texts, which another version of the code may read.
 *
 * @module
 */

import { isCount, isInRange, SHARE } from "../base/check.ts";
import { isRecord } from "../base/json.ts";
import { parseCodec } from "../codec/registry.ts";
import { parseClientPrivacy } from "../privacy/client/parse.ts";
import { parsePrivacy } from "../privacy/parse.ts";
import { parseAsyncStrategy, parseStrategy } from "../strategy/registry.ts";
import { checkMoment } from "./coverage/machine.ts";
import { MACHINES } from "./coverage/table.ts";
import { readSchedule } from "./faults/read_schedule.ts";
import { type FederationPlan, HOSTILE_KINDS, ROGUE_KINDS } from "./federation/plan.ts";
import { MISTAKES } from "./federation/mistakes.ts";
import type { Play } from "./play.ts";
import { type Field, oneOf, optional, readFields } from "./read_fields.ts";

const COUNT: Field = {
  expected: "a whole number from 1",
  holds: (value) => isCount(value) && value > 0,
};
const SEED: Field = {
  expected: "a whole number from 0 to 4294967295",
  holds: (value) => isInRange(value, { whole: true, least: 0, most: 0xFFFF_FFFF }),
};
const SECONDS: Field = {
  expected: "seconds above 0",
  holds: (value) => isInRange(value, { above: 0 }),
};
const FLAG: Field = { expected: "true or false", holds: (value) => typeof value === "boolean" };
const TEXT: Field = { expected: "a text", holds: (value) => typeof value === "string" };

/** Fields of a plan. A plan of another version may lack some, or have others. */
const PLAN: Readonly<Record<keyof FederationPlan, Field>> = {
  seed: SEED,
  clients: COUNT,
  rounds: COUNT,
  length: {
    expected: "a whole number from 5",
    holds: (value) => isInRange(value, { whole: true, least: 5 }),
  },
  strategy: TEXT,
  isAsync: FLAG,
  proof: oneOf(["none", "token", "key"]),
  asksForRank: FLAG,
  uplink: optional(TEXT),
  downlink: optional(TEXT),
  isMasked: FLAG,
  isSigned: optional(FLAG),
  privacy: optional(TEXT),
  clientPrivacy: optional(TEXT),
  hostile: optional({
    expected: "clients, each with a kind",
    holds: (value) => Array.isArray(value) && value.every(isHostile),
  }),
  rogue: optional(oneOf(ROGUE_KINDS)),
  fraction: { expected: "a share", holds: (value) => isInRange(value, SHARE) },
  overSelection: { expected: "a number from 0", holds: (value) => isInRange(value, { least: 0 }) },
  quorum: { expected: "a share", holds: (value) => isInRange(value, SHARE) },
  minClients: COUNT,
  mistake: optional(oneOf(MISTAKES)),
  evaluates: oneOf(["server", "clients"]),
  trainSeconds: {
    expected: "the shortest and the longest time of a training",
    holds: (value) =>
      Array.isArray(value) && value.length === 2 && value.every((x) => isInRange(x, { least: 0 })),
  },
  roundSeconds: SECONDS,
  heartbeatSeconds: SECONDS,
  joinSeconds: SECONDS,
  idleSeconds: optional(SECONDS),
};

const PLAY: Readonly<Record<keyof Play, Field>> & { readonly aims: Field } = {
  seed: SEED,
  mode: oneOf(["liveness", "safety"]),
  plan: { expected: "a plan", holds: isRecord },
  schedule: { expected: "a list of faults", holds: Array.isArray },
  // Names of the transitions towards which the run was drawn.
  aims: optional({ expected: "a list of names", holds: Array.isArray }),
};

/** Writes a run as a text. */
export function writePlay(
  { seed, mode, plan, schedule }: Play,
  aims?: readonly string[],
): string {
  return `${JSON.stringify({ seed, mode, plan, schedule, aims }, null, 2)}\n`;
}

/**
 * Reads a run from a text that {@linkcode writePlay} has written.
 *
 * @throws {SyntaxError} If the text is not JSON.
 * @throws {TypeError} If a field is missing, unknown or of another kind, as in a text of another
 * version, or if a fault is of a machine that the run does not have.
 * @throws {Error} If a strategy, codec or privacy cannot be used, or a moment is unknown.
 */
export function readPlay(text: string): Play {
  const { plan, schedule, seed, mode } = readFields<Play>("the run", JSON.parse(text), PLAY);
  readFields<FederationPlan>("the plan", plan, PLAN);
  checkTexts(plan);
  const clients = Array.from({ length: plan.clients }, (_, i) => `client-${i + 1}`);
  const faults = readSchedule(schedule, ["server", ...clients]);
  for (const { when } of faults) if (when) checkMoment(when, MACHINES);
  return { seed, mode, plan, schedule: faults };
}

/** Checks the texts of a plan as the command line would. */
function checkTexts({ strategy, isAsync, uplink, privacy, clientPrivacy }: FederationPlan): void {
  (isAsync ? parseAsyncStrategy : parseStrategy)(strategy);
  if (uplink !== undefined) parseCodec(uplink);
  if (privacy !== undefined) parsePrivacy(privacy);
  if (clientPrivacy !== undefined) parseClientPrivacy(clientPrivacy);
}

function isHostile(value: unknown): boolean {
  return isRecord(value) && isCount(value["client"]) &&
    HOSTILE_KINDS.some((kind) => kind === value["kind"]);
}
