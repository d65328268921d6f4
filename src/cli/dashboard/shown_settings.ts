/** Options that the page does not show: paths of keys are no one's business. */
const UNSHOWN: ReadonlySet<string> = new Set([
  "allowKeys",
  "tlsKey",
  "key",
  "clusterKey",
  "clusterCreds",
]);

/** Returns the options of a command that were given and that a page may show. */
export function shownSettings(flags: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).filter(([name, value]) => value !== undefined && !UNSHOWN.has(name)),
  );
}
