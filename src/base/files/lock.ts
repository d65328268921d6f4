/**
 * Locks between processes.
 *
 * @module
 */

import { runtime } from "../runtime/runtime.ts";
import { delay } from "../time/delay.ts";

const POLL_MILLIS = 100;

/**
 * Locks a file until the result is disposed of; `undefined` if another process holds the lock.
 *
 * The file is not removed, since processes that wait for it would then lock different files. The
 * operating system releases the lock of a process that dies.
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

/**
 * Locks a file as {@linkcode tryLockFile} does, and waits while another process holds the lock.
 * Rejects with the signal's reason when it is aborted.
 */
export async function lockFile(path: string, signal?: AbortSignal): Promise<Disposable> {
  // Polled, since a wait for the lock cannot be aborted.
  for (;;) {
    const lock = await tryLockFile(path);
    if (lock) return lock;
    await delay(POLL_MILLIS, signal);
  }
}
