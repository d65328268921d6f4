/**
 * Nothing tells a program that its worker has ended by itself. But a Web Lock is let go when the worker that holds it
 * ends, however it ends: so the worker holds one, and the program asks for it.
 */
interface LockManager {
  request(name: string, callback: () => Promise<void>): Promise<void>;
  request(name: string, options: { signal: AbortSignal }, callback: () => void): Promise<void>;
}

/** The Web Locks of this runtime, which Deno's types do not know yet and older versions do not have. */
function locks(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}

/** Takes a lock that this thread holds to its end, and gives its name; gives nothing where there are no Web Locks. */
export async function holdLifeline(): Promise<string | undefined> {
  const manager = locks();
  if (manager === undefined) return undefined;
  const name = `fedlab-worker-${crypto.randomUUID()}`;
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
