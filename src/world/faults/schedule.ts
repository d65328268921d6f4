import type { Federation } from "../federation/federation.ts";
import { type Entered, isMoment, type Moment, momentText } from "../watch/moment.ts";
import { beginFault, type Fault, faultText } from "./fault.ts";

/** Fault with its time. */
export interface TimedFault {
  /** Time at which it begins, in seconds of the world. */
  readonly at: number;
  /** Time until it ends, in seconds; 0 for one that acts at once. Absent if it never ends. */
  readonly seconds?: number;
  readonly fault: Fault;
  /** Moment from `at` on at which it begins in place of `at`; it may never come. */
  readonly when?: Moment;
}

/** Faults in the order of their times. */
export type Schedule = readonly TimedFault[];

/** Returns a fault that lasts from a time on for some seconds. */
export function during(at: number, seconds: number, fault: Fault): Schedule {
  return [{ at, seconds, fault }];
}

/** Returns a fault that begins at a moment from a time on, and lasts for some seconds. */
export function atMoment(at: number, when: Moment, seconds: number, fault: Fault): Schedule {
  return [{ at, seconds, fault, when }];
}

/** Returns a fault that lasts from a time on, and never ends. */
export function from(at: number, fault: Fault): Schedule {
  return [{ at, fault }];
}

/** Returns a schedule with some times of a fault, each as long as the first. */
export function repeated(
  times: readonly number[],
  seconds: number,
  fault: Fault,
): Schedule {
  return times.map((at) => ({ at, seconds, fault }));
}

/** Returns the schedule that has all faults of others. */
export function together(...schedules: readonly Schedule[]): Schedule {
  return schedules.flat().sort((a, b) => a.at - b.at);
}

/** Returns a schedule that is later by some seconds. */
export function later(seconds: number, schedule: Schedule): Schedule {
  return schedule.map((timed) => ({ ...timed, at: timed.at + seconds }));
}

/**
 * Returns the schedule in which all faults of some machines, and of links between them, have ended
 * at a time: later ones are left out, and those that last longer end then. Those of other machines
 * stay.
 */
export function healedAt(
  seconds: number,
  machines: Iterable<string>,
  schedule: Schedule,
): Schedule {
  const core = new Set(machines);
  return schedule.flatMap((timed) => {
    if (!touches(timed.fault, core)) return [timed];
    if (timed.at >= seconds) return [];
    const { when, ...fixed } = timed, rest = seconds - timed.at;
    // Both the moment and the time of the fault fit into the rest.
    const within = when && Math.min(when.within, rest / 2);
    const most = Math.max(0, rest - (within ?? 0) - (when?.delay ?? 0));
    return [{
      ...fixed,
      seconds: Math.min(timed.seconds ?? Infinity, most),
      ...(when && within !== undefined && { when: { ...when, within } }),
    }];
  });
}

/** Returns true if a fault is one of some machines, or of a link between two of them. */
function touches(fault: Fault, machines: ReadonlySet<string>): boolean {
  if (fault.kind !== "link") return machines.has(fault.machine);
  const { from, to } = fault;
  return (from === undefined || machines.has(from)) && (to === undefined || machines.has(to));
}

/** Time in seconds at which the last fault of a schedule begins or ends. */
export function endOf(schedule: Schedule): number {
  return Math.max(
    0,
    ...schedule.map(({ at, seconds = 0, when }) =>
      at + (when?.within ?? 0) + (when?.delay ?? 0) + seconds
    ),
  );
}

/**
 * Lets the faults of a schedule happen to a federation, each at its time or moment.
 *
 * @returns Function to be called with the states that machines come into, for faults at moments.
 */
export function impose(schedule: Schedule, federation: Federation): (entered: Entered) => void {
  const { world } = federation, aimed: Aimed[] = [];
  for (const timed of schedule) {
    const { at, when } = timed;
    if (when === undefined) {
      world.scheduler.after(1000 * at - world.now, () => happen(timed, federation));
    } else aimed.push({ timed, when, left: when.skip ?? 0 });
  }
  return (entered) => {
    for (const it of [...aimed]) {
      const { timed, when } = it, seconds = world.now / 1000 - timed.at;
      if (seconds < 0 || seconds > when.within || !isMoment(when, entered)) continue;
      if (it.left-- > 0) continue;
      aimed.splice(aimed.indexOf(it), 1);
      // Not in the turn of the process that has come into the state.
      world.scheduler.after(1000 * (when.delay ?? 0), () => happen(timed, federation));
    }
  };
}

/** Fault that waits for its moment, and the number of moments to let pass. */
interface Aimed {
  readonly timed: TimedFault;
  readonly when: Moment;
  left: number;
}

function happen({ seconds, fault, when }: TimedFault, federation: Federation): void {
  const { world } = federation, text = faultText(fault);
  world.log("fault", `begins: ${text}${when === undefined ? "" : `, as ${momentText(when)}`}`);
  const end = beginFault(fault, federation);
  if (seconds === 0) return end();
  if (seconds !== undefined) {
    world.scheduler.after(1000 * seconds, () => {
      world.log("fault", `ends: ${text}`);
      end();
    });
  }
}
