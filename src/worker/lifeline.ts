import { runtime } from "../base/runtime/runtime.ts";

/**
 * Web Locks. A program is not told that its worker has ended by itself, but the locks of a worker
 * are released when it ends, however it ends. So the worker holds a lock, and the program requests
 * it.
 */
interface LockManager {
  request(name: string, options: { signal: AbortSignal }, callback: () => void): Promise<void>;
}

/**
 * Returns the Web Locks of this runtime. Deno's types do not know them yet, and older versions do
 * not have them.
 */
function locks(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}

/** Returns a name for the lock of a worker, or `undefined` where there are no Web Locks. */
export function lifelineName(): string | undefined {
  return locks() && `fedlab-worker-${runtime.random.randomUUID()}`;
}

/** Resolves when the thread that holds the lifeline has ended, or when the signal is aborted. */
export async function lifelineEnded(name: string, signal: AbortSignal): Promise<void> {
  try {
    await locks()?.request(name, { signal }, () => {});
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
