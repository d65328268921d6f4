import { FAREWELL_MILLIS, Federation } from "./federation/federation.ts";
import { drawPlan, type FederationPlan } from "./federation/plan.ts";
import { drawSchedule } from "./faults/draw_schedule.ts";
import { endOf, healedAt, impose, type Schedule } from "./faults/schedule.ts";
import { judge, type Violation } from "./invariants/invariants.ts";
import { Counts } from "./coverage/counts.ts";
import { observe } from "./coverage/observe.ts";
import { MACHINES } from "./coverage/table.ts";
import type { MessageWatcher } from "./watch/wiretap.ts";
import { World } from "./world.ts";

/** Number of faults that a run without them would have time for: fewest and most. */
const FAULTS = [2, 100] as const;
/** Time in which faults begin, as a multiple of the time of a run without them. */
const FAULT_TIME = 3;
/** Share of faults that never end: of machines that a run can do without, or of all. */
const ENDLESS = { liveness: 0.1, safety: 0.03 } as const;
/** Time for which a run goes on after the last fault, if it need not end, in milliseconds. */
const SAFETY_MILLIS = 2 * 3_600_000;

/**
 * Requirement of a run: in `"liveness"` the faults of a core of machines end, and the run has to
 * end; in `"safety"` nothing has to heal, and no rule may be broken all the same.
 */
export type PlayMode = "liveness" | "safety";

/** Run of a world: a federation and its faults. */
export interface Play {
  readonly seed: number;
  readonly mode: PlayMode;
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
  /** Counts of the transitions of the protocol, to which those of the run are added. */
  readonly counts?: Counts;
  /** Observers of the messages of all connections. */
  readonly watchers?: readonly MessageWatcher[];
}

/** Draws the run of a seed: two of three have to end. */
export function drawPlay(seed: number): Play {
  const world = new World({ seed });
  const plan = drawPlan(seed, world.random("plan"));
  const random = world.random("faults");
  const clients = Array.from({ length: plan.clients }, (_, i) => `client-${i + 1}`);
  const [fewest, most] = FAULTS;
  const mode = random.below(3) === 0 ? "safety" : "liveness";
  const seconds = FAULT_TIME * secondsOf(plan);
  const schedule = drawSchedule({
    machines: ["server", ...clients],
    seconds,
    meanSeconds: seconds / (FAULT_TIME * fewest * (most / fewest) ** random.uniform()),
    endless: ENDLESS[mode],
  }, random);
  const isHostile = (client: string) =>
    plan.hostile?.some(({ client: number }) => client === `client-${number}`) ?? false;
  const sound = random.shuffle(clients).filter((client) => !isHostile(client));
  const core = ["server", ...sound.slice(0, plan.minClients)];
  return {
    seed,
    mode,
    plan,
    schedule: mode === "safety" ? schedule : healedAt(seconds, core, schedule),
  };
}

/** Time that a run takes without faults, in seconds; a rough one. */
export function secondsOf(
  { rounds, isAsync, trainSeconds: [shortest, longest] }: FederationPlan,
): number {
  return rounds * (1 + (isAsync ? shortest : longest));
}

/** Time that hostile clients may cost a run, in seconds. */
function lostSeconds({ hostile, rounds, roundSeconds }: FederationPlan): number {
  return hostile === undefined ? 0 : 2 * rounds * roundSeconds;
}

/** Time that a run has to end when the faults of its core have ended, in milliseconds. */
function limitMillis(plan: FederationPlan): number {
  const { rounds, roundSeconds, trainSeconds: [, longest] } = plan;
  return 1000 * (6 * roundSeconds + rounds * 2 * (longest + 60) + lostSeconds(plan));
}

/** Runs a federation in a world with its faults, and judges what came of it. */
export async function play(
  { seed, mode, plan, schedule }: Play,
  options: PlayOptions = {},
): Promise<Outcome> {
  const { onLine, counts, watchers = [] } = options;
  const calm = options.undisturbed === undefined
    ? await playUndisturbed({ seed, plan })
    : { digest: options.undisturbed, violations: [] };
  const world = new World({ seed, ...(onLine && { onLine }) });
  const federation = new Federation(world, plan);
  await federation.start();
  const onEntered = impose(schedule, federation);
  if (counts !== undefined || watchers.length > 0 || schedule.some(({ when }) => when)) {
    observe(federation, counts ?? new Counts(MACHINES), onEntered, ...watchers);
  }
  const isHealed = mode === "liveness";
  const last = 1000 * endOf(schedule);
  await world.run(
    () => federation.isOver,
    last + (isHealed ? limitMillis(plan) : SAFETY_MILLIS),
  );
  if (federation.isOver) {
    await world.run(() => federation.hasEnded, Math.max(world.now, last) + FAREWELL_MILLIS);
  }
  const isEnded = federation.hasEnded;
  const undisturbed = calm.digest;
  const violations = [
    ...calm.violations,
    ...judge({ federation, schedule, isHealed, isEnded, undisturbed }),
  ];
  return {
    ...{ seed, mode, plan, schedule, violations, isEnded },
    hours: world.now / 3_600_000,
    events: world.scheduler.events,
    log: world.trace.digest,
  };
}

/** Run without faults: the digest of its model, if it came to one, and the rules that it broke. */
export interface Undisturbed {
  readonly digest: string | undefined;
  readonly violations: readonly Violation[];
}

/** Makes the run of a plan without faults, and judges it. */
export async function playUndisturbed(
  { seed, plan }: Pick<Play, "seed" | "plan">,
): Promise<Undisturbed> {
  const world = new World({ seed });
  const federation = new Federation(world, plan);
  await federation.start();
  await world.run(() => federation.hasEnded, 1000 * secondsOf(plan) + limitMillis(plan));
  const [finished] = federation.history.of("finished");
  const circumstances = { schedule: [], isHealed: true, isEnded: federation.hasEnded };
  return {
    digest: finished?.report.modelDigest,
    violations: judge({ federation, ...circumstances, undisturbed: undefined }),
  };
}
