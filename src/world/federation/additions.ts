import type { Random } from "../../base/random.ts";
import { type FederationPlan, HOSTILE_KINDS, ROGUE_KINDS } from "./plan.ts";

/** Largest share of hostile clients. */
const MOST_HOSTILE = 1 / 3;
/** Time that a round of a run with hostile clients waits for them beyond a training, in seconds. */
const PATIENCE_SECONDS = 60;
/** Time after which clients of a malicious server give up, in seconds. */
const IDLE_SECONDS = 1800;
/** Fewest clients of a run with masks. */
const LEAST_MASKED = 5;
/** Most rounds of a private run. */
const MOST_ROUNDS = 20;
/** Central privacy of runs; the noise matters to nobody here. */
const PRIVACY = ["ftrl:epsilon=8,delta=1e-5,clip=1", "fedavg:epsilon=8,delta=1e-5,clip=1"];

/** Properties of a plan that an addition has to suit. */
interface Base {
  /** Fewest clients that the strategy needs. */
  readonly least: number;
  /** Set if the strategy takes the mean of the updates alone. */
  readonly isPlain: boolean;
}

/** Addition to a plan; returns the plan as it was where it does not suit. */
type Addition = (plan: FederationPlan, base: Base, random: Random) => FederationPlan;

/** Additions with the number of runs of twelve that have them. The others have none. */
const ADDITIONS: readonly (readonly [weight: number, addition: Addition])[] = [
  [3, withHostileClients],
  [2, withPrivacy],
  [1, withClientPrivacy],
  [2, withMasks],
  [1, withRogueServer],
];
const RUNS = 12;

/** Gives a plan hostile clients, a malicious server, privacy or masks, or leaves it as it is. */
export function withAddition(plan: FederationPlan, base: Base, random: Random): FederationPlan {
  let at = random.below(RUNS);
  for (const [weight, addition] of ADDITIONS) {
    if (at < weight) return addition(plan, base, random);
    at -= weight;
  }
  return plan;
}

function withHostileClients(plan: FederationPlan, { least }: Base, random: Random): FederationPlan {
  const { clients, strategy } = plan;
  const most = Math.min(Math.floor(MOST_HOSTILE * clients), clients - least);
  if (most < 1 || strategy === "fedsgd") return plan;
  const numbers = random.shuffle(Array.from({ length: clients }, (_, i) => i + 1));
  const hostile = numbers.slice(0, 1 + random.below(most)).map((client) => ({
    client,
    kind: random.below(2) === 0
      ? "all of these" as const
      : HOSTILE_KINDS[random.below(HOSTILE_KINDS.length)] ?? "stalls",
  }));
  return {
    ...inTheClear(plan),
    hostile,
    // A round must do without them.
    quorum: 0.5,
    minClients: Math.max(least, Math.ceil(clients / 2)),
    overSelection: 0,
    fraction: 1,
    // Some train two models.
    roundSeconds: 2 * plan.trainSeconds[1] + PATIENCE_SECONDS,
  };
}

function withPrivacy(plan: FederationPlan, base: Base, random: Random): FederationPlan {
  const privacy = PRIVACY[plan.isMasked ? 0 : random.below(PRIVACY.length)] ?? "";
  // Those who are there may have taken part as often as they may.
  return { ...ofMeans(plan, base), privacy, minClients: plan.clients, evaluates: "server" };
}

function withClientPrivacy(plan: FederationPlan, base: Base): FederationPlan {
  const sound = inTheClear(ofMeans(plan, base));
  // Trainings for attempts that failed count as well.
  const clientPrivacy = `local:epsilon=8,delta=1e-5,clip=1,rounds=${10 * sound.rounds}`;
  return { ...sound, clientPrivacy, evaluates: "server" };
}

function withMasks(plan: FederationPlan, base: Base, random: Random): FederationPlan {
  const sound = inTheClear(ofMeans(plan, base)), clients = Math.max(LEAST_MASKED, plan.clients);
  const minClients = Math.max(3, Math.ceil(sound.quorum * clients));
  const isSigned = sound.proof === "key" && random.below(2) === 0;
  return {
    ...{ ...sound, clients, minClients, isMasked: true, fraction: 1 },
    ...(isSigned && { isSigned }),
  };
}

/** Returns a plan whose rounds take the mean of the updates alone. */
function ofMeans(plan: FederationPlan, { isPlain }: Base): FederationPlan {
  const { rounds, strategy, isAsync } = plan;
  return {
    ...plan,
    isAsync: false,
    strategy: isPlain && !isAsync ? strategy : "fedavg",
    rounds: Math.min(rounds, MOST_ROUNDS),
    overSelection: 0,
  };
}

/** Returns a plan without codecs and masks. */
function inTheClear(
  { uplink: _, downlink: __, isSigned: ___, ...plan }: FederationPlan,
): FederationPlan {
  return { ...plan, isMasked: false };
}

function withRogueServer(plan: FederationPlan, _: Base, random: Random): FederationPlan {
  const rogue = random.below(2) === 0
    ? "all of these" as const
    : ROGUE_KINDS[random.below(ROGUE_KINDS.length)] ?? "challenges";
  const proof = plan.proof === "none" ? "token" : plan.proof;
  return {
    ...inTheClear(plan),
    ...{ rogue, proof, isAsync: false, strategy: "fedavg" },
    idleSeconds: IDLE_SECONDS,
  };
}
