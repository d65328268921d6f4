import type { Invariant } from "./invariant.ts";

/** A run whose faults end comes to its end, and so does each of its processes. */
export const ends: Invariant = {
  name: "every process ends",
  breaches({ federation, isHealed, isEnded }) {
    if (!isHealed || isEnded) return [];
    const running = federation.machines.filter((machine) => federation.processOn(machine));
    return [
      federation.isOver
        ? `the run is over, and there are still processes on ${running.join(", ")}`
        : "the run is not over, though all faults have ended",
    ];
  },
};

/** No process ends by an error that nothing has caught, and none leaves anything open. */
export const endsCleanly: Invariant = {
  name: "no process crashes, and none leaves anything open",
  breaches({ federation: { history, world } }) {
    const crashes = history.of("ended").filter(({ by }) => by === "crash");
    return [
      ...crashes.map(({ machine, error }) => `the process on ${machine} crashed: ${error}`),
      ...world.leaks,
      ...world.escapes.map((stack) => `a process has waited for real time: ${stack}`),
    ];
  },
};
