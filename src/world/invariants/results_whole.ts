import type { Schedule } from "../faults/schedule.ts";
import type { Invariant } from "./invariant.ts";

/** A file of results is whole whenever a server begins or a run is over: the old one or the new. */
export const resultsAreWhole: Invariant = {
  name: "results are whole at any time",
  breaches({ federation: { history }, schedule }) {
    if (hasLyingDisk(schedule)) return [];
    return history.of("found").filter(({ isWhole }) => !isWhole).map(({ path, at }) =>
      `${path} is torn ${(at / 1000).toFixed(1)} s after the beginning`
    );
  },
};

/** Returns true if a disk says that it has synced what it may lose: it keeps what it likes. */
export function hasLyingDisk(schedule: Schedule): boolean {
  return schedule.some(({ fault }) => fault.kind === "disk" && fault.fault.liesAboutSync === true);
}
