const MAX_BUSY_MS = 50;

/** Gives a function to call between steps: it returns to the event loop when that has waited for long, and is free otherwise. */
export function pacer(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < MAX_BUSY_MS) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        since = performance.now();
        resolve();
      }, 0)
    );
  };
}
