const MAX_BUSY_MILLIS = 50;

let since = 0;
/** All wait for one return to the event loop: whoever went on meanwhile would leave the others behind. */
let returning: Promise<void> | undefined;

/**
 * To be awaited between steps: returns to the event loop when nobody here has for 50 ms, and is free otherwise. Promises alone never do: signals, timers and
 * sockets would wait for the end of whatever goes on by them.
 */
export function rest(): Promise<void> | undefined {
  if (returning === undefined && performance.now() - since >= MAX_BUSY_MILLIS) {
    returning = new Promise((resolve) =>
      setTimeout(() => {
        since = performance.now();
        returning = undefined;
        resolve();
      }, 0)
    );
  }
  return returning;
}
