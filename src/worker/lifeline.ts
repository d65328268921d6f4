import { runtime } from "../base/runtime/runtime.ts";

/**
 * Web Locks. A program is not told that its worker has ended by itself, but the locks of a worker
 * are released when it ends, however it ends. So the worker holds a lock, and the program requests
 * it.
 */
interface LockManager {
  request(name: string, callback: () => Promise<void>): Promise<void>;
  request(name: string, options: { signal: AbortSignal }, callback: () => void): Promise<void>;
}

/**
 * Returns the Web Locks of this runtime. Deno's types do not know them yet, and older versions do
 * not have them.
 */
function locks(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}

/**
 * Takes a lock that this thread holds until it ends.
 *
 * @returns The lock's name, or `undefined` where there are no Web Locks.
 */
export async function holdLifeline(): Promise<string | undefined> {
  const manager = locks();
  if (manager === undefined) return undefined;
  const name = `fedlab-worker-${runtime.random.randomUUID()}`;
  const { promise, resolve } = Promise.withResolvers<void>();
  manager.request(name, () => {
    resolve();
    return Promise.withResolvers<void>().promise;
  });
  await promise;
  return name;
}

/** Resolves when the thread that holds the lifeline has ended, or when the signal is aborted. */
export async function lifelineEnded(name: string, signal: AbortSignal): Promise<void> {
  try {
    await locks()?.request(name, { signal }, () => {});
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
