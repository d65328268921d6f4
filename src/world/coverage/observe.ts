import type { Federation } from "../federation/federation.ts";
import type { Entered } from "../watch/moment.ts";
import { type MessageWatcher, Wiretap } from "../watch/wiretap.ts";
import type { Counts } from "./counts.ts";
import { Observer } from "./observer.ts";

/**
 * Observes a federation that has not begun: counts its transitions, and tells of the states that
 * its machines come into. What the programs do does not depend on it.
 */
export function observe(
  { world, history }: Federation,
  counts: Counts,
  onEntered?: (entered: Entered) => void,
  ...watchers: readonly MessageWatcher[]
): void {
  const observer = new Observer(counts, onEntered);
  world.network.tap = new Wiretap(() => world.now, observer, ...watchers);
  history.onEntry = (entry) => observer.note(entry);
  history.onServerEvent = (event) => observer.tell(event);
}
