/**
 * Returns a function that loads something when it is first called, and once: the runtime walks over
 * all that a module imports each time it is imported while it loads, also for thousands of callers.
 *
 * A call at the top of a module is marked with `@__PURE__`: then bundlers leave out what only
 * unused functions load, such as TensorFlow.js.
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => loading ??= load();
}

/**
 * Gives an object the method by which Deno's Jupyter kernel shows it, and returns the object. The
 * property is not enumerable, so that copies, comparisons and JSON know nothing of it.
 *
 * @param media Loads the code that shows objects, and returns the object's forms by media type.
 */
export function shownBy<Shown extends object>(
  object: Shown,
  media: (object: Shown) => Promise<Readonly<Record<string, string>>>,
): Shown {
  return Object.defineProperty(object, Symbol.for("Jupyter.display"), {
    configurable: true,
    writable: true,
    value(this: Shown) {
      return media(this);
    },
  });
}
