import { Random } from "../../base/random.ts";
import { hashText } from "../../base/hash.ts";
import { atMoment, type Schedule, together } from "../faults/schedule.ts";
import { drawPlay, type Play, secondsOf } from "../play.ts";
import { drawAims } from "./aims.ts";
import type { Counts } from "./counts.ts";
import { type Machine, type Transition, transitionsOf } from "./machine.ts";

/** Runs among which one is chosen. */
const CANDIDATES = 24;
/** Fewest and most faults that are aimed at moments of a run. */
const AIMS = [2, 8] as const;
/** Most moments that are let pass before a fault. */
const MOST_SKIPPED = 6;
/** Machines that are the server as a whole. */
const OF_THE_SERVER: ReadonlySet<string> = new Set(["server", "checkpoints"]);
/** Least time in seconds within which the moment of a fault counts. */
const LEAST_SECONDS = 900;

/**
 * Draws runs towards the transitions that were not reached: federations in which they can be, and
 * faults at the moments from which they begin. What it draws depends on its seed and on the counts
 * alone.
 */
export class Steering {
  readonly #counts: Counts;
  readonly #random: Random;
  readonly #transitions: readonly Transition[];
  /** Number of faults that were aimed at each transition. */
  readonly #tries = new Map<string, number>();
  #seed: number;
  /** Names of the transitions that the last run is drawn towards. */
  aims: readonly string[] = [];

  /**
   * Creates a steering by the counts of all runs so far. Its first run is of the seed or a later
   * one.
   */
  constructor(counts: Counts, machines: readonly Machine[], seed: number) {
    this.#counts = counts;
    this.#seed = seed;
    this.#random = new Random(seed, "world", { round: hashText("steering"), rank: 0 });
    this.#transitions = machines.flatMap(transitionsOf);
  }

  /** Draws the next run: of some seeds, that which is worth most. */
  next(): Play {
    const seed = this.#seed, missing = this.#missing();
    this.#seed += CANDIDATES;
    this.aims = [];
    if (missing.length === 0) return drawPlay(seed);
    const goal = this.#pick(missing);
    let best: Play | undefined, most = -1;
    for (let i = 0; i < CANDIDATES; i++) {
      const play = drawPlay(seed + i);
      const worth = goal.needs(play.plan) ? this.#worthOf(play, missing) : -1;
      if (worth > most) [best, most] = [play, worth];
    }
    return this.#aim(best ?? drawPlay(seed), missing, goal);
  }

  #missing(): readonly Transition[] {
    return this.#transitions.filter(({ name }) => this.#counts.countOf(name) === 0);
  }

  /** Sum of the weights of what a run may reach, by the time that it takes. */
  #worthOf({ plan }: Play, missing: readonly Transition[]): number {
    let worth = 0;
    for (const it of missing) if (it.needs(plan)) worth += this.#weightOf(it);
    return worth / Math.sqrt(plan.rounds * plan.clients);
  }

  #aim(play: Play, missing: readonly Transition[], goal: Transition): Play {
    const { plan, schedule } = play, random = this.#random, [fewest, most] = AIMS;
    const fit = missing.filter(({ needs }) => needs(plan));
    const goals = [goal];
    const count = fewest + random.below(most - fewest + 1);
    while (goals.length < count && fit.length > 0) goals.push(this.#pick(fit));
    const aimed: Schedule[] = [];
    for (const one of goals) {
      this.#tries.set(one.name, (this.#tries.get(one.name) ?? 0) + 1);
      aimed.push(this.#faultsFor(one, play));
    }
    // Half of the runs have no other faults, which might end what is aimed at.
    const others = random.below(2) === 0 ? [] : schedule;
    this.aims = [...new Set(goals.map(({ name }) => name))];
    return { ...play, schedule: together(others, ...aimed) };
  }

  #faultsFor({ machine, from, ...goal }: Transition, { plan }: Play): Schedule {
    const random = this.#random;
    const clients = Array.from({ length: plan.clients }, (_, i) => `client-${i + 1}`);
    const [client = "", ...others] = random.shuffle(clients);
    const skip = random.below(3) === 0 ? 1 + random.below(MOST_SKIPPED) : 0;
    const states = this.#transitions.filter((it) =>
      it.machine === machine && it.to === from && it.from !== from && it.needs(plan)
    );
    const before = states[random.below(Math.max(1, states.length))]?.from;
    const aims = drawAims({ machine, from, ...goal }, { client, others, before }, random);
    return aims.flatMap(({ fault, seconds, delay, state = from, machine: whose = machine }) =>
      atMoment(
        0,
        {
          ...{ machine: whose, state },
          ...(!OF_THE_SERVER.has(whose) && { client }),
          ...(skip > 0 && whose === machine && { skip }),
          ...(delay > 0 && { delay: Math.round(1000 * delay) / 1000 }),
          within: Math.max(LEAST_SECONDS, 3 * secondsOf(plan)),
        },
        seconds,
        fault,
      )
    );
  }

  #pick(from: readonly Transition[]): Transition {
    const sum = from.reduce((sum, it) => sum + this.#weightOf(it), 0);
    let rest = sum * this.#random.uniform();
    for (const it of from) if ((rest -= this.#weightOf(it)) < 0) return it;
    const [first] = from;
    if (first === undefined) throw new RangeError("Cannot pick a transition: there is none");
    return first;
  }

  #weightOf({ name }: Transition): number {
    return 1 / (1 + (this.#tries.get(name) ?? 0));
  }
}
