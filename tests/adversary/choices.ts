import { Random } from "../../mod.ts";
import { pick } from "../fuzz/frames.ts";

/** How a member comes back after its connection ended. */
export interface Return {
  /** With its token, as somebody new, or not at all. */
  readonly as: "token" | "new" | "never";
  readonly afterSeconds: number;
}

/** What a member does when it is asked for something. Numbers that JSON cannot write are names. */
export interface Choice {
  readonly act: string;
  /** Which byte of the frame it stops at, as a share of the frame's length. */
  readonly at?: number;
  /** How long it waits. */
  readonly seconds?: number;
  /** What it sends too much, or wrongly. */
  readonly value?: string | number;
  readonly count?: number;
}

/**
 * What was chosen, by who and when: `"2 train 3.1"` is rank 2, when it was asked to train for the
 * first time in round 3.
 */
export type Trace = Readonly<Record<string, Choice | Return>>;

/** A choice, and how often it is drawn. */
type Kind = readonly [weight: number, make: (random: Random) => Choice];

const only = (act: string): Kind[1] => () => ({ act });

/** Where a member stops: in the prefix, at its end, inside the body, before the last byte. */
function place(random: Random): number {
  return pick(random, [0, random.uniform(), random.uniform(), random.uniform(), 1e-4, 1]);
}

/** How long a member stalls: within the round, past it, or until it is cut. */
function stall(random: Random): number {
  return pick(random, [0.2, 0.6, 1.3, 4, 30]);
}

export const HUGE_VALUES = ["3e38", "-3e38", "1e30", "-1e30", "1e10 norms", "-1e10 norms"] as const;
const SAMPLES = [0, -1, 2 ** 53 - 1, 1.5] as const;

/** What a member does when it is asked to train. */
const TRAINING: readonly Kind[] = [
  [14, only("answer")],
  [8, (random) => ({ act: "stall", at: place(random), seconds: stall(random) })],
  [4, only("dribble")],
  [3, (random) => ({ act: "wrong round", value: pick(random, [-1, 1, 7, 2 ** 31]) })],
  [2, only("wrong round, then answer")],
  [2, (random) => ({ act: "leave with Exit", count: pick(random, [10, 1000, 4096]) })],
  [2, (random) => ({ act: "leave with Error", count: pick(random, [10, 1000, 4096]) })],
  [2, only("cannot train")],
  [3, only("leave silently")],
  [2, (random) => ({ act: "leave inside a frame", at: place(random) })],
  [6, (random) => ({ act: "huge", value: pick(random, HUGE_VALUES) })],
  [2, only("NaN")],
  [2, (random) => ({ act: "samples", value: pick(random, SAMPLES) })],
  [2, (random) => ({ act: "steps", value: pick(random, SAMPLES) })],
  [4, only("beats only")],
  [2, only("silence")],
  [2, (random) => ({ act: "second update", count: 1 + random.below(3) })],
  [2, (random) => ({ act: "figures unasked", count: 1 + random.below(3) })],
  [1, only("unknown code")],
  [1, (random) => ({ act: "request work", count: 1 + random.below(20) })],
  [2, (random) => ({
    act: "flood",
    count: pick(random, [50, 200, 500]),
    value: pick(random, ["figures", "stale updates", "heartbeats", "errors"]),
  })],
  [2, (random) => ({ act: "do not read", seconds: stall(random) })],
  [1, only("wrong length")],
  [1, only("malformed body")],
  [1, only("connect twice")],
];

/** What a member does when it is asked to evaluate. */
const EVALUATING: readonly Kind[] = [
  [10, only("answer")],
  [3, only("beats only")],
  [1, only("silence")],
  [2, only("no loss")],
  [2, (random) => ({ act: "loss", value: pick(random, [1.7e308, -1.7e308, 0]) })],
  [2, (random) => ({ act: "samples", value: pick(random, SAMPLES) })],
  [2, (random) => ({ act: "wrong round", value: pick(random, [-1, 1, 7]) })],
  [2, (random) => ({ act: "flood", count: pick(random, [50, 200]), value: "figures" })],
  [1, only("leave silently")],
  [1, () => ({ act: "leave with Exit", count: 4096 })],
  [1, only("update unasked")],
];

const LEAVING: readonly Kind[] = [
  [4, only("answer")],
  [1, only("beats only")],
  [1, only("leave silently")],
  [1, (random) => ({ act: "flood", count: 50, value: pick(random, ["figures", "heartbeats"]) })],
];

function drawOf(kinds: readonly Kind[], random: Random): Choice {
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  let at = random.uniform() * total;
  const chosen = kinds.find(([weight]) => (at -= weight) < 0) ?? kinds[0];
  return chosen?.[1](random) ?? { act: "answer" };
}

/** What a malicious server does when a client registers. */
const MEETING: readonly Kind[] = [
  [16, only("assign")],
  [1, only("challenge, then silence")],
  [1, only("challenge, then beats")],
  [1, only("challenge twice")],
  [1, only("silence")],
  [1, only("beats only")],
  [1, only("exit")],
  [1, (random) => ({ act: "error", count: pick(random, [10, 4096]) })],
  [1, (random) => ({ act: "stall", at: place(random) })],
  [1, only("dribble")],
  [1, (random) => ({ act: "flood", value: pick(random, ["beats", "errors"]), count: 2000 })],
  [1, only("close")],
  [1, only("garbage")],
  [1, only("giant frame")],
  [1, only("unknown code")],
  [1, only("unexpected code")],
  [1, only("assign twice")],
  [2, (random) => ({ act: "assign, heartbeat", value: pick(random, [1e6, 1e-6, 0, -1]) })],
  [6, (random) => ({ act: "assign, unfit", value: pick(random, UNFIT_ASSIGNMENTS) })],
  [2, (random) => ({ act: "assign, model", value: pick(random, UNFIT_MODELS) })],
];

/** Fields of an assignment that no client can use. */
export const UNFIT_ASSIGNMENTS = [
  "rank",
  "worldSize",
  "rounds",
  "manifest",
  "large manifest",
  "digest",
  "epochs",
  "learningRate",
  "rule",
  "mode",
  "seed",
  "run",
  "no schema",
  "schema of another format",
  "schema of another digest",
  "schema of named columns",
] as const;

/** Models that no client can build, or should. */
export const UNFIT_MODELS = ["wide", "shape", "class", "nested", "no layers", "format"] as const;

/** What a malicious server does once the client has joined, step by step. */
const LEADING: readonly Kind[] = [
  [14, only("round")],
  [5, only("evaluate")],
  [2, (random) => ({ act: "stall", at: place(random) })],
  [1, only("dribble")],
  [2, only("same round")],
  [2, (random) => ({ act: "wrong round", value: pick(random, [0, -1, 1.5, 2 ** 53 - 1]) })],
  [2, (random) => ({ act: "values", value: pick(random, ["NaN", "Infinity", ...HUGE_VALUES]) })],
  [1, (random) => ({ act: "evaluate values", value: pick(random, ["NaN", ...HUGE_VALUES]) })],
  [2, (random) => ({ act: "length", value: pick(random, [0, 1, -1, 1e6]) })],
  [1, only("control")],
  [2, (random) => ({
    act: "plan",
    value: pick(random, ["epochs", "learningRate", "rule", "unknown key", "batchSize"]),
  })],
  [2, (random) => ({
    act: "flood",
    count: 300,
    value: pick(random, ["rounds", "evaluations", "errors", "beats"]),
  })],
  [2, only("beats only")],
  [2, only("silence")],
  [1, only("exit")],
  [1, only("exit while training")],
  [1, only("exit twice")],
  [1, (random) => ({ act: "error", count: pick(random, [10, 4096]) })],
  [1, only("unexpected code")],
  [1, only("unknown code")],
  [1, only("garbage")],
  [1, only("giant frame")],
  [2, only("close")],
  [1, (random) => ({ act: "close inside a frame", at: place(random) })],
];

/** What is asked of a member, or of a malicious server. */
export type Question = "train" | "evaluate" | "exit" | "meet" | "lead";

const KINDS: Readonly<Record<Question, readonly Kind[]>> = {
  train: TRAINING,
  evaluate: EVALUATING,
  exit: LEAVING,
  meet: MEETING,
  lead: LEADING,
};

/** Fixes what a rank chooses, where it does. */
export type Script = (rank: number, question: Question, round: number) => Choice | undefined;

/**
 * The choices of one run. Each depends on the seed, the rank and what it answers alone, not on who
 * came first: the same seed makes the same ones again.
 * Those of a trace are taken from there.
 */
export class Choices {
  readonly #seed: number;
  readonly #given: Trace;
  readonly #script: Script | undefined;
  readonly #made: Record<string, Choice | Return> = {};
  readonly #visits = new Map<string, number>();

  constructor(seed: number, { trace = {}, script }: { trace?: Trace; script?: Script } = {}) {
    this.#seed = seed;
    this.#given = trace;
    this.#script = script;
  }

  /** What was chosen so far. */
  get trace(): Trace {
    return this.#made;
  }

  /** What a rank does when it is asked something in a round. */
  of(rank: number, question: Question, round: number): Choice {
    const scripted = this.#script?.(rank, question, round);
    return this.#choose(
      rank,
      `${question} ${round}`,
      (random) => scripted ?? drawOf(KINDS[question], random),
    ) as Choice;
  }

  /** How a rank comes back. */
  ofReturn(rank: number): Return {
    return this.#choose(rank, "back", (random) => ({
      as: pick(random, ["token", "token", "new", "new", "never"] as const),
      afterSeconds: pick(random, [0, 0.05, 0.3, 1]),
    })) as Return;
  }

  #choose(
    rank: number,
    what: string,
    make: (random: Random) => Choice | Return,
  ): Choice | Return {
    const where = `${rank} ${what}`;
    const visit = (this.#visits.get(where) ?? 0) + 1;
    this.#visits.set(where, visit);
    const key = `${where}.${visit}`;
    return this.#made[key] = this.#given[key] ?? make(this.#randomOf(rank, what, visit));
  }

  #randomOf(rank: number, what: string, visit: number): Random {
    let hash = 0;
    for (const character of `${what}.${visit}`) {
      hash = Math.imul(hash, 31) + (character.codePointAt(0) ?? 0) >>> 0;
    }
    return new Random(this.#seed, "test", { round: hash, rank });
  }
}
