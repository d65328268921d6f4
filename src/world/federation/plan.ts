import type { Random } from "../../base/random.ts";
import { withAddition } from "./additions.ts";
import { isMistaken, type Mistake, MISTAKES } from "./mistakes.ts";

/** Federation of a world: what runs, apart from faults. */
export interface FederationPlan {
  /** Seed of the run, its cohorts and its training. */
  readonly seed: number;
  /** Number of clients. */
  readonly clients: number;
  /** Number of rounds; without rounds, of versions of the model. */
  readonly rounds: number;
  /** Number of values of the model, more than 4. */
  readonly length: number;
  /** Strategy, as the command line writes it. */
  readonly strategy: string;
  /** Set for a run without rounds. */
  readonly isAsync: boolean;
  /** Proof that the server asks for. */
  readonly proof: "none" | "token" | "key";
  /** Set if clients ask for their rank; else the server assigns it. */
  readonly asksForRank: boolean;
  /** Codec of the updates, as the command line writes it; absent without one. */
  readonly uplink?: string;
  /** Codec of the parameters; absent without one. */
  readonly downlink?: string;
  /** Set if updates are masked. */
  readonly isMasked: boolean;
  /** Set if members of secure aggregation sign, and vote for the survivors; by keys alone. */
  readonly isSigned?: boolean;
  /** Central differential privacy, as the command line writes it; absent without one. */
  readonly privacy?: string;
  /** Privacy that each client gives its own data, with a ledger; absent without one. */
  readonly clientPrivacy?: string;
  /** Clients that break the rules of the protocol: fewer than half. Absent without any. */
  readonly hostile?: readonly HostileClient[];
  /** Malice of the server, at which the clients have to end. Absent for a sound server. */
  readonly rogue?: RogueKind;
  /** Share of the clients that each round selects. */
  readonly fraction: number;
  /** Share of further clients that each round selects. */
  readonly overSelection: number;
  /** Share of the wanted updates that completes a round. */
  readonly quorum: number;
  /** Number of clients with which the run may begin, and goes on. */
  readonly minClients: number;
  /** Mistake of a newcomer that tries to join; absent without one. */
  readonly mistake?: Mistake;
  /** Place of the evaluation. */
  readonly evaluates: "server" | "clients";
  /** Time of a training in seconds: shortest and longest. */
  readonly trainSeconds: readonly [number, number];
  /** Time-outs in seconds. */
  readonly roundSeconds: number;
  readonly heartbeatSeconds: number;
  readonly joinSeconds: number;
  /** Absent for the default. */
  readonly idleSeconds?: number;
}

/** Kinds of hostile clients, by what each does when it is asked to train. */
export const HOSTILE_KINDS = [
  "stalls",
  "dribbles",
  "huge values",
  "no numbers",
  "another round",
  "beats only",
  "twice",
  "registers twice",
  "another rank",
  "floods",
  "leaves",
  "all of these",
] as const;

/** Kind of a hostile client. */
export type HostileKind = typeof HOSTILE_KINDS[number];

/** Client that is hostile. */
export interface HostileClient {
  /** Number of the client, from 1. */
  readonly client: number;
  readonly kind: HostileKind;
}

/** Kinds of malicious servers. */
export const ROGUE_KINDS = [
  "says nothing",
  "challenges",
  "assigns",
  "dribbles",
  "floods",
  "closes",
  "all of these",
] as const;

/** Kind of a malicious server. */
export type RogueKind = typeof ROGUE_KINDS[number];

/** Strategies that take part, each with the fewest clients that it needs. */
const STRATEGIES: readonly (readonly [text: string, clients: number])[] = [
  ["fedavg", 2],
  ["fedavgm", 2],
  ["fedadam", 2],
  ["fedyogi", 2],
  ["fednova", 2],
  ["qfedavg", 2],
  ["fedsgd", 2],
  ["fedprox", 2],
  ["scaffold", 2],
  ["feddyn", 2],
  ["ditto", 2],
  ["fedper:local=head", 2],
  ["median", 3],
  ["trimmed-mean:attackers=1", 4],
  ["geometric-median", 3],
  ["krum:attackers=1", 5],
  ["multi-krum:attackers=1", 5],
  ["norm-clipping:bound=5", 2],
];
const ASYNC_STRATEGIES = ["fedasync", "fedbuff:size=3"];
const CODECS = ["int8", "int4", "eden:bits=2", "topk:share=0.25"];
/** Strategies whose updates may be encoded or masked. */
const PLAIN = new Set(["fedavg", "fedavgm", "fedadam", "fedyogi"]);

/** Draws one of some values. */
export function drawn<Value>(random: Random, values: readonly [Value, ...Value[]]): Value {
  return values[random.below(values.length)] ?? values[0];
}

/** Draws a federation. */
export function drawPlan(seed: number, random: Random): FederationPlan {
  const isAsync = random.below(6) === 0;
  const [text, least] = STRATEGIES[random.below(STRATEGIES.length)] ?? ["fedavg", 2];
  const strategy = isAsync ? ASYNC_STRATEGIES[random.below(2)] ?? "fedasync" : text;
  const isPlain = PLAIN.has(strategy);
  const isMasked = isPlain && random.below(3) === 0;
  const clients = Math.max(isMasked ? 5 : least, 2 + random.below(9));
  const canSelect = !isMasked && !/krum|trimmed/.test(strategy) && clients >= 4;
  const isCoded = isPlain && !isMasked && random.below(2) === 0;
  const codec = () => CODECS[random.below(CODECS.length)] ?? "int8";
  const quorum = drawn(random, [1, 1, 0.5]);
  const plan: FederationPlan = {
    seed,
    clients,
    rounds: 5 + random.below(isAsync ? 60 : 20),
    length: 8 + random.below(60),
    strategy,
    isAsync,
    proof: drawn(random, ["none", "token", "key"]),
    asksForRank: random.below(2) === 0,
    ...(isCoded && { uplink: codec() }),
    ...(isCoded && { downlink: drawn(random, ["int8", "int8+delta", "delta"]) }),
    isMasked,
    fraction: canSelect && random.below(3) === 0 ? 0.5 : 1,
    overSelection: canSelect && !/median/.test(strategy) && random.below(6) === 0 ? 0.5 : 0,
    quorum,
    minClients: Math.max(isMasked ? 3 : least, Math.ceil(quorum * clients)),
    evaluates: drawn(random, ["server", "clients"]),
    trainSeconds: drawn<readonly [number, number]>(random, [[0.1, 1], [5, 60], [30, 300]]),
    roundSeconds: 600,
    heartbeatSeconds: drawn(random, [5, 5, 1, 20]),
    joinSeconds: 300,
  };
  const isSigned = isMasked && plan.proof === "key" && random.below(2) === 0;
  const base = { least, isPlain };
  const whole = withAddition(isSigned ? { ...plan, isSigned } : plan, base, random);
  const mistake = random.below(4) === 0 ? drawn(random, MISTAKES) : undefined;
  const hasStranger = mistake && whole.rogue === undefined && isMistaken(mistake, whole);
  return hasStranger ? { ...whole, mistake } : whole;
}
