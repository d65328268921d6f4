/**
 * Returns a function that loads something when it is first called, and once: the runtime walks over
 * all that a module imports each time it is imported while it loads, also for thousands of callers.
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => loading ??= load();
}
