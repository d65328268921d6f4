/** Name made by tfjs: the class in snake case, then the class and a count of the whole process. */
const AUTOMATIC_NAME = /^[a-z0-9_]+_([A-Z][A-Za-z0-9]*?)(\d+)$/;

/**
 * Returns names for a model's weights that are the same wherever the model is built.
 *
 * tfjs numbers layers without a name through the whole process, and renames a weight whose name was
 * used before, so the second client of a process would have other names than the first. Here
 * automatic layer names count from 1 in each model, and a repeated name gets a suffix.
 *
 * @param originalNames Names that layers gave to their weights, such as `dense_Dense3/kernel`, in
 * the model's order.
 */
export function stableNames(originalNames: readonly string[]): string[] {
  const segments = new Map<string, string>();
  const counts = new Map<string, number>();
  const taken = new Set<string>();

  function stableSegment(segment: string): string {
    const known = segments.get(segment);
    if (known !== undefined) return known;
    const className = AUTOMATIC_NAME.exec(segment)?.[1];
    let name = segment;
    if (className !== undefined) {
      const count = (counts.get(className) ?? 0) + 1;
      counts.set(className, count);
      name = segment.replace(/\d+$/, String(count));
    }
    segments.set(segment, name);
    return name;
  }

  return originalNames.map((original) => {
    const name = original.split("/").map(stableSegment).join("/");
    let unique = name;
    for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
    taken.add(unique);
    return unique;
  });
}
