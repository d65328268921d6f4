/** Metrics by their definitions, over all rows: references for those that are derived from sums. */

/** Mean of values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Area under the ROC curve: the share of pairs in their right order, equal ones by half. */
export function exactRocAuc(scores: readonly number[], positive: readonly boolean[]): number {
  const rows = scores.map((score, i) => ({ score, positive: positive[i] ?? false }))
    .sort((a, b) => a.score - b.score);
  let pairs = 0, negatives = 0;
  for (let i = 0; i < rows.length;) {
    let end = i + 1;
    while (rows[end]?.score === rows[i]?.score) end++;
    const run = rows.slice(i, end);
    const hits = run.filter((row) => row.positive).length;
    pairs += hits * (negatives + (run.length - hits) / 2);
    negatives += run.length - hits;
    i += run.length;
  }
  return pairs / (negatives * (rows.length - negatives));
}

/** Average precision, as scikit-learn defines it: equal scores pass the threshold together. */
export function exactAveragePrecision(
  scores: readonly number[],
  positive: readonly boolean[],
): number {
  const order = scores.keys().toArray().sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let sum = 0, hits = 0, pending = 0;
  order.forEach((row, i) => {
    if (positive[row]) {
      hits++;
      pending++;
    }
    if (i + 1 < order.length && scores[order[i + 1] ?? 0] === scores[row]) return;
    sum += pending * hits / (i + 1);
    pending = 0;
  });
  return sum / hits;
}
