import { liveRounds } from "../helpers/live_rounds.ts";
import { type BenchOptions, type BenchResult, mostResult } from "../result.ts";

const CLIENTS = 10;
const VALUES = 2_000;
const WARM_UP_ROUNDS = 50;
const ROUNDS = 500;

/**
 * Measures rounds over TCP of ten clients that do not train, with 2,000 parameters. Value: the
 * median time of a round in the report, without evaluation. Ceiling: 5 ms.
 */
export async function roundBench({ seed, signal }: BenchOptions): Promise<BenchResult> {
  const sizes = { clients: CLIENTS, values: VALUES, warmUp: WARM_UP_ROUNDS, rounds: ROUNDS };
  const { roundMillis } = await liveRounds({ ...sizes, seed, signal });
  return mostResult("round-small", roundMillis, { unit: "ms", most: 5 });
}
