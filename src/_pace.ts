const MAX_BUSY_MILLIS = 50;

let since = 0;

/**
 * To be awaited between steps: returns to the event loop when nobody here has for 50 ms, and is free otherwise. Promises alone never do: signals, timers and
 * sockets would wait for the end of whatever goes on by them.
 */
export function rest(): Promise<void> | undefined {
  if (performance.now() - since < MAX_BUSY_MILLIS) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(() => {
    since = performance.now();
    resolve();
  }, 0);
  return promise;
}
