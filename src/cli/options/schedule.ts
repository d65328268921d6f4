import { type LearningRateSchedule, SCHEDULE_NAMES } from "../../plan/schedule.ts";
import { flagOf, option, UsageError } from "./option.ts";
import { choice, real, whole } from "./values.ts";

/** The commands whose learning rate may have a schedule. */
const SCHEDULES = { demo: {}, server: {}, simulate: {} } as const;

/** Decay of `--lr-schedule step`, and its rounds with the same rate, where they are not given. */
const STEP = { decay: 0.1, every: 10 };

/** Options about the schedule of the learning rate. */
export const SCHEDULE = {
  lrSchedule: option(choice(SCHEDULE_NAMES), {
    value: "<name>",
    help: "course of the learning rate over the rounds; cosine ends with the last round",
    group: "Training",
    defaultText: "constant, or exponential with --lr-decay",
    commands: SCHEDULES,
    onResume: "any",
  }),
  lrDecay: option(real({ above: 0, most: 1 }), {
    value: "<x>",
    help:
      "factor by which the learning rate is multiplied after each round (exponential), or each time a number of rounds is over (step)",
    group: "Training",
    defaultText: `${STEP.decay} with --lr-schedule step`,
    commands: SCHEDULES,
    onResume: "any",
  }),
  lrEvery: option(whole(1, 0xFFFF_FFFF), {
    value: "<n>",
    help: "number of rounds with the same learning rate, with --lr-schedule step",
    group: "Training",
    defaultText: `${STEP.every}`,
    isRare: true,
    commands: SCHEDULES,
    onResume: "any",
  }),
  lrWarmup: option(whole(0, 0xFFFF_FFFF), {
    value: "<n>",
    help: "number of rounds in which the learning rate rises to --lr, before the schedule begins",
    group: "Training",
    default: 0,
    isRare: true,
    commands: SCHEDULES,
    onResume: "any",
  }),
};

/** Values of the options about the schedule. */
interface ScheduleFlags {
  readonly lrSchedule?: typeof SCHEDULE_NAMES[number];
  readonly lrDecay?: number;
  readonly lrEvery?: number;
  readonly lrWarmup: number;
}

/**
 * Makes the schedule of the learning rate.
 *
 * @param rounds Number of rounds of the run, or of versions of the model.
 * @param isGiven Tells whether an option is on the command line. An option that a resumed run began
 * with and that the schedule does not use is ignored.
 * @returns `undefined` for a constant rate.
 * @throws {UsageError} If the options contradict each other.
 */
export function scheduleFrom(
  { lrSchedule, lrDecay, lrEvery, lrWarmup }: ScheduleFlags,
  rounds: number,
  isGiven: (name: string) => boolean,
): LearningRateSchedule | undefined {
  const name = lrSchedule ?? (lrDecay === undefined ? "constant" : "exponential");
  const refuse = (option: string, wanted: string) => {
    if (isGiven(option)) throw new UsageError(`expected ${wanted} with ${flagOf(option)}`);
  };
  if (name !== "step") refuse("lrEvery", "--lr-schedule step");
  const warmup = lrWarmup > 0 ? { warmup: lrWarmup } : {};
  switch (name) {
    case "step":
      return { name, decay: lrDecay ?? STEP.decay, every: lrEvery ?? STEP.every, ...warmup };
    case "exponential":
      if (lrDecay !== undefined) return { name, decay: lrDecay, ...warmup };
      throw new UsageError("expected --lr-decay with --lr-schedule exponential");
    case "cosine":
      refuse("lrDecay", "--lr-schedule step or exponential");
      if (rounds > lrWarmup) return { name, rounds, ...warmup };
      throw new UsageError(`expected --lr-warmup below the ${rounds} rounds, got ${lrWarmup}`);
    case "constant":
      refuse("lrDecay", "--lr-schedule step or exponential");
      return lrWarmup > 0 ? { name, ...warmup } : undefined;
  }
}
