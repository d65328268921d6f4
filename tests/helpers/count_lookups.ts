/** Methods of maps and sets by which code looks something up, or walks over all there is. */
const METHODS = ["has", "get", "set", "add", "delete"] as const;

/**
 * Counts the accesses to maps and sets while `work` runs: a measure of work that does not depend on
 * the load of the machine. Each entry that a walk visits counts too.
 */
export async function countLookups(work: () => void | Promise<void>): Promise<number> {
  let count = 0;
  const restore: (() => void)[] = [];
  const replace = (holder: object, name: PropertyKey, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    if (before === undefined) return;
    Object.defineProperty(holder, name, { ...before, value });
    restore.push(() => Object.defineProperty(holder, name, before));
  };
  for (const holder of [Map.prototype, Set.prototype]) {
    for (const name of METHODS) {
      const method: unknown = Reflect.get(holder, name);
      if (typeof method !== "function") continue;
      replace(holder, name, function (this: unknown, ...args: unknown[]): unknown {
        count++;
        return Reflect.apply(method, this, args);
      });
    }
    const steps: object = Object.getPrototypeOf(
      holder === Map.prototype ? new Map().entries() : new Set().values(),
    );
    const next: unknown = Reflect.get(steps, "next");
    if (typeof next !== "function") continue;
    replace(steps, "next", function (this: unknown): unknown {
      count++;
      return Reflect.apply(next, this, []);
    });
  }
  try {
    await work();
  } finally {
    for (const one of restore) one();
  }
  return count;
}
