import type { Random } from "../../base/random.ts";
import type { Fault } from "./fault.ts";
import { during, from, type Schedule, together } from "./schedule.ts";

/** Machines and time over which faults are drawn. */
export interface ScheduleSpace {
  /** Machines, the server first. */
  readonly machines: readonly string[];
  /** Time of the last fault, in seconds. */
  readonly seconds: number;
  /** Mean time between two faults, in seconds. */
  readonly meanSeconds: number;
  /** Share of the faults that never end, of those that do not act at once. */
  readonly endless: number;
}

/** Draws a fault of a kind for one of the machines. */
type Draw = (random: Random, machine: string, machines: readonly string[]) => Fault;

/** Time of a fault in seconds, from the shortest to the longest. */
type Lengths = readonly [shortest: number, longest: number];

/** Draws of faults, each with its weight and the times that it lasts. */
type Entry = readonly [weight: number, lengths: Lengths, draw: Draw];
const DRAWS: readonly [Entry, ...Entry[]] = [
  [4, [0, 0], (_, machine) => ({ kind: "kill", machine })],
  [2, [1, 120], (_, machine) => ({ kind: "pause", machine })],
  [2, [1, 600], (_, machine) => ({ kind: "power", machine })],
  [3, [0, 0], (_, machine) => ({ kind: "reset", machine })],
  [3, [1, 300], (_, machine) => ({ kind: "link", from: machine, change: { isCut: true } })],
  [3, [1, 300], (_, machine) => ({ kind: "link", to: machine, change: { isCut: true } })],
  [1, [1, 60], () => ({ kind: "link", change: { isCut: true } })],
  [2, [10, 600], (random, machine) => ({
    ...{ kind: "link", from: machine },
    change: { delayMillis: [10, 10_000 * random.uniform() ** 3 + 10] },
  })],
  [1, [10, 600], (random, machine) => ({
    ...{ kind: "link", to: machine },
    change: { bytesPerSecond: 100 + 10_000 * random.uniform() },
  })],
  [1, [10, 3600], (random, machine) => ({
    ...{ kind: "clock", machine },
    millis: Math.round((random.uniform() - 0.5) * 2 * 86_400_000),
  })],
  [1, [1, 300], (random) => ({
    ...{ kind: "disk", machine: "server" },
    fault: { freeBytes: Math.round(4000 * random.uniform()) },
  })],
  [1, [1, 300], (random) => ({
    ...{ kind: "disk", machine: "server" },
    fault: { readErrors: 0.3 * random.uniform() },
  })],
  [1, [1, 300], (random) => ({
    ...{ kind: "disk", machine: "server" },
    fault: { writeErrors: 0.3 * random.uniform() },
  })],
  [1, [1, 300], (random) => ({
    ...{ kind: "disk", machine: "server" },
    fault: { syncErrors: 0.5 * random.uniform() },
  })],
  [1, [10, 3600], () => ({
    ...{ kind: "disk", machine: "server" },
    fault: { liesAboutSync: true },
  })],
  [1, [10, 300], (random) => ({
    ...{ kind: "disk", machine: "server" },
    fault: { latencyMillis: [1, 2000 * random.uniform() ** 2 + 1] },
  })],
];

/** Factors of the weight of a kind in one run. */
const FACTORS = [0, 0, 1, 4] as const;

/**
 * Draws a schedule. Half of the faults are the server's, if they are of one machine.
 *
 * Each run has some kinds of faults alone, more often than the others: combinations that are rare
 * among all kinds are common among a few (Groce et al. 2012, "Swarm Testing").
 */
export function drawSchedule(
  { machines, seconds, meanSeconds, endless }: ScheduleSpace,
  random: Random,
): Schedule {
  const drawn: Schedule[] = [];
  const weights = DRAWS.map(([weight]) => weight * (FACTORS[random.below(FACTORS.length)] ?? 0));
  for (let at = 0;;) {
    at += -Math.log(1 - random.uniform()) * meanSeconds;
    if (at >= seconds) return together(...drawn);
    const machine = random.below(2) === 0
      ? "server"
      : machines[random.below(machines.length)] ?? "server";
    const [, [shortest, longest], draw] = DRAWS[weighted(weights, random)] ?? DRAWS[0];
    // Short ones are as likely as long ones by their order of magnitude.
    const length = longest === 0 ? 0 : shortest * (longest / shortest) ** random.uniform();
    const fault = draw(random, machine, machines), isEndless = random.uniform() < endless;
    drawn.push(
      isEndless && longest > 0
        ? from(rounded(at), fault)
        : during(rounded(at), rounded(length), fault),
    );
  }
}

/** Draws a position with the probability of its weight; any one if all weights are 0. */
function weighted(weights: readonly number[], random: Random): number {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) return random.below(weights.length);
  let rest = random.below(sum);
  return weights.findIndex((weight) => (rest -= weight) < 0);
}

function rounded(seconds: number): number {
  return Math.round(1000 * seconds) / 1000;
}
