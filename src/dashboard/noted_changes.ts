import type { EventLine } from "./view.ts";

/** Begins to note changes, where a number of rounds has been told. */
export function noChanges(points: number) {
  return { isChanged: false, isOpenChanged: false, points, events: [] as EventLine[] };
}
