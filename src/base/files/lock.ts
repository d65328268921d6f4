/**
 * One process at a time.
 *
 * @module
 */

import { runtime } from "../runtime/runtime.ts";
import { delay } from "../time/delay.ts";

const POLL_MILLIS = 100;

/**
 * Holds a lock file until disposed of; nothing where another process holds it. The file stays: whoever removed it could part two processes that wait for
 * it. The operating system takes the lock from a process that dies.
 */
export async function tryLockFile(path: string): Promise<Disposable | undefined> {
  const file = await runtime.files.open(path, { create: true, write: true });
  try {
    if (await file.tryLock(true)) return file;
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
}

/** The same, waiting for who holds it. Rejects with the signal's reason when it is aborted. */
export async function lockFile(path: string, signal?: AbortSignal): Promise<Disposable> {
  // Polled and not waited for: a wait cannot be aborted.
  for (;;) {
    const lock = await tryLockFile(path);
    if (lock) return lock;
    await delay(POLL_MILLIS, signal);
  }
}
