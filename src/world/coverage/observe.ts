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
  { world, history, plan }: Federation,
  counts: Counts,
  onEntered?: (entered: Entered) => void,
  ...watchers: readonly MessageWatcher[]
): void {
  const broken = new Set(plan.hostile?.map(({ client }) => `client-${client}`));
  if (plan.rogue !== undefined) broken.add("server");
  const observer: Observer & MessageWatcher = new Observer(
    counts,
    onEntered,
    (machine) => broken.has(machine),
  );
  const now = () => world.now;
  for (const watcher of watchers) watcher.begin?.(now);
  world.network.tap = new Wiretap(now, observer, ...watchers);
  history.onEntry = (entry) => observer.note(entry);
  history.onServerEvent = (event) => {
    for (const watcher of [observer, ...watchers]) watcher.tell?.(event);
  };
}
