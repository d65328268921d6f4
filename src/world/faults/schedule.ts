import type { Federation } from "../federation/federation.ts";
import { beginFault, type Fault, faultText } from "./fault.ts";

/** Fault with its time. */
export interface TimedFault {
  /** Time at which it begins, in seconds of the world. */
  readonly at: number;
  /** Time until it ends, in seconds; 0 for one that acts at once. Absent if it never ends. */
  readonly seconds?: number;
  readonly fault: Fault;
}

/** Faults in the order of their times. */
export type Schedule = readonly TimedFault[];

/** Returns a fault that lasts from a time on for some seconds. */
export function during(at: number, seconds: number, fault: Fault): Schedule {
  return [{ at, seconds, fault }];
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
    const rest = seconds - timed.at;
    return [{ ...timed, seconds: Math.min(timed.seconds ?? Infinity, rest) }];
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
  return Math.max(0, ...schedule.map(({ at, seconds = 0 }) => at + seconds));
}

/** Lets the faults of a schedule happen to a federation, each at its time. */
export function impose(schedule: Schedule, federation: Federation): void {
  const { world } = federation;
  for (const { at, seconds, fault } of schedule) {
    world.scheduler.after(1000 * at - world.now, () => {
      world.log("fault", `begins: ${faultText(fault)}`);
      const end = beginFault(fault, federation);
      if (seconds === 0) return end();
      if (seconds !== undefined) {
        world.scheduler.after(1000 * seconds, () => {
          world.log("fault", `ends: ${faultText(fault)}`);
          end();
        });
      }
    });
  }
}
