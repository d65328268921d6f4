import { FAREWELL_MILLIS, Federation } from "./federation/federation.ts";
import { drawPlan, type FederationPlan } from "./federation/plan.ts";
import { drawSchedule } from "./faults/draw_schedule.ts";
import { endOf, impose, type Schedule } from "./faults/schedule.ts";
import { judge, type Violation } from "./invariants/invariants.ts";
import { World } from "./world.ts";

/** Number of faults that a run without them would have time for: fewest and most. */
const FAULTS = [2, 100] as const;
/** Time in which faults begin, as a multiple of the time of a run without them. */
const FAULT_TIME = 3;
/** Time that a run has to end when all faults have ended, in milliseconds. */
const LIMIT_MILLIS = 24 * 3_600_000;

/** Run of a world: a federation and its faults. */
export interface Play {
  readonly seed: number;
  readonly plan: FederationPlan;
  readonly schedule: Schedule;
}

/** Result of a run. */
export interface Outcome extends Play {
  readonly violations: readonly Violation[];
  /** Virtual time of the run, in hours. */
  readonly hours: number;
  /** Number of events. */
  readonly events: number;
  /** Digest of the log. */
  readonly log: string;
  /** Set if the run has ended. */
  readonly isEnded: boolean;
}

/** Options of {@linkcode play}. */
export interface PlayOptions {
  /** Called with each line of the log. */
  readonly onLine?: (line: string) => void;
  /** Digest of the model without faults. By default, the run is made without them first. */
  readonly undisturbed?: string | undefined;
}

/** Draws the run of a seed. */
export function drawPlay(seed: number): Play {
  const world = new World({ seed });
  const plan = drawPlan(seed, world.random("plan"));
  const random = world.random("faults");
  const machines = ["server", ...Array.from({ length: plan.clients }, (_, i) => `client-${i + 1}`)];
  const [fewest, most] = FAULTS, [shortest, longest] = plan.trainSeconds;
  const seconds = plan.rounds * (1 + (plan.isAsync ? shortest : longest));
  const meanSeconds = seconds / (fewest * (most / fewest) ** random.uniform());
  const schedule = drawSchedule({ machines, seconds: FAULT_TIME * seconds, meanSeconds }, random);
  return { seed, plan, schedule };
}

/** Runs a federation in a world with its faults, and judges what came of it. */
export async function play(
  { seed, plan, schedule }: Play,
  options: PlayOptions = {},
): Promise<Outcome> {
  const { onLine, undisturbed = await undisturbedDigest({ seed, plan }) } = options;
  const world = new World({ seed, ...(onLine && { onLine }) });
  const federation = new Federation(world, plan);
  await federation.start();
  impose(schedule, federation);
  const limit = 1000 * endOf(schedule) + LIMIT_MILLIS;
  await world.run(() => federation.isOver, limit);
  const farewell = Math.max(world.now, 1000 * endOf(schedule)) + FAREWELL_MILLIS;
  await world.run(() => federation.hasEnded, farewell);
  const isEnded = federation.hasEnded;
  const violations = judge({ federation, schedule, isHealed: true, isEnded, undisturbed });
  return {
    ...{ seed, plan, schedule, violations, isEnded },
    hours: world.now / 3_600_000,
    events: world.scheduler.events,
    log: world.trace.digest,
  };
}

/** Returns the digest of the model of a run without faults; `undefined` without one. */
export async function undisturbedDigest(
  { seed, plan }: Pick<Play, "seed" | "plan">,
): Promise<string | undefined> {
  const world = new World({ seed });
  const federation = new Federation(world, plan);
  await federation.start();
  await world.run(() => federation.hasEnded, LIMIT_MILLIS);
  const [finished] = federation.history.of("finished");
  return finished?.report.modelDigest;
}
