import { checkInRange } from "../../base/check.ts";

/** Options of updates that come before the server can aggregate them. */
export interface EarlyUpdateOptions {
  /**
   * Bytes of memory for them, from 0. Further ones are kept in a temporary file, or else their
   * clients wait. With 0 none are kept.
   *
   * @default {67_108_864} 64 MiB
   */
  memoryBytes?: number;
  /**
   * Folder of the temporary file; `null` for no file.
   *
   * @default The folder of the checkpoints, or that of the system's temporary files.
   */
  folder?: string | null;
}

/** Default of {@linkcode EarlyUpdateOptions.memoryBytes}. */
export const DEFAULT_EARLY_BYTES: number = 64 * 2 ** 20;

/**
 * Checks the options.
 *
 * @throws {RangeError} If one is out of range.
 */
export function checkEarlyUpdates(
  { memoryBytes = DEFAULT_EARLY_BYTES }: EarlyUpdateOptions,
  problem: string,
): void {
  const expected = "memoryBytes of earlyUpdates from 0";
  checkInRange(memoryBytes, { whole: true, least: 0 }, problem, expected);
}
