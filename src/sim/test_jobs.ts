import type { ClientJob } from "./client_pool.ts";

/** Rows of the test data in one job of a large model. */
const ROWS = 1024;
/** Rows in one job of a small model, for which joining the results of jobs takes longer. */
const MANY_ROWS = 4096;
/** Values of the largest small model. */
const SMALL = 2 ** 15;
/** The number of jobs of a small model is a multiple of this, so that threads get equal shares. */
const SHARES = 4;

/**
 * Divides test data into jobs, whatever the number of threads: a loss is rounded the same then.
 *
 * @param rows Number of rows of the test data.
 * @param values Number of values of the model.
 */
export function testJobs(
  rows: number,
  values: number,
): Extract<ClientJob, { readonly kind: "test" }>[] {
  const isSmall = values <= SMALL && rows > ROWS;
  const count = isSmall ? SHARES * Math.ceil(rows / (SHARES * MANY_ROWS)) : Math.ceil(rows / ROWS);
  const each = isSmall ? Math.ceil(rows / count) : ROWS;
  return Array.from({ length: Math.ceil(rows / each) }, (_, i) => ({
    kind: "test",
    from: i * each,
    to: Math.min((i + 1) * each, rows),
  }));
}
