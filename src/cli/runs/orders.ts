/** Orders of a list of runs, in SQL. */
export const ORDERS = {
  newest: "coalesce(began, name) DESC, name DESC",
  best: "metric IS NULL, metric, CASE metric WHEN 'accuracy' THEN -best ELSE best END, name",
  fastest: "seconds, name",
  smallest: "bytesUp + bytesDown, name",
} as const;

/** Order of a list of runs. */
export type RunOrder = keyof typeof ORDERS;
