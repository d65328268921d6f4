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
const DRAWS: readonly (readonly [weight: number, lengths: Lengths, draw: Draw])[] = [
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
const WEIGHTS = DRAWS.reduce((sum, [weight]) => sum + weight, 0);

/** Draws a schedule. Half of the faults are the server's, if they are of one machine. */
export function drawSchedule(
  { machines, seconds, meanSeconds, endless }: ScheduleSpace,
  random: Random,
): Schedule {
  const drawn: Schedule[] = [];
  for (let at = 0;;) {
    at += -Math.log(1 - random.uniform()) * meanSeconds;
    if (at >= seconds) return together(...drawn);
    const machine = random.below(2) === 0
      ? "server"
      : machines[random.below(machines.length)] ?? "server";
    const [lengths, draw] = drawOf(random.below(WEIGHTS));
    const [shortest, longest] = lengths;
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

function drawOf(number: number): readonly [Lengths, Draw] {
  let rest = number;
  for (const [weight, lengths, draw] of DRAWS) {
    if (rest < weight) return [lengths, draw];
    rest -= weight;
  }
  throw new RangeError(`Cannot draw a fault: expected a number below ${WEIGHTS}, got ${number}`);
}

function rounded(seconds: number): number {
  return Math.round(1000 * seconds) / 1000;
}
