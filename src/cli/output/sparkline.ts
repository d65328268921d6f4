/** Bars from the lowest to the highest. */
const BARS = "▁▂▃▄▅▆▇█";

/**
 * Draws values as a line of bars, from the least to the greatest of them. Where there are more
 * values than bars, a bar is the mean of those that fall on it.
 *
 * @param values Values in order; at least one.
 * @param width Largest number of bars.
 */
export function sparkline(values: readonly number[], width: number): string {
  const count = Math.min(width, values.length);
  const means = Array.from({ length: count }, (_, i) => {
    const part = values.slice(
      Math.floor(i * values.length / count),
      Math.floor((i + 1) * values.length / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const least = Math.min(...means), span = Math.max(...means) - least;
  return means.map((mean) => {
    const place = span === 0 ? 0 : Math.round((mean - least) / span * (BARS.length - 1));
    return BARS.charAt(place);
  }).join("");
}
