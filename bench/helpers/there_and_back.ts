import type { PingPong } from "./ping_pong.ts";
import { type BenchResult, rateResult } from "../result.ts";

/** Size of a message for a round trip. */
export interface SizeCase {
  name: string;
  /** Number of values of the vector. */
  length: number;
  repetitions: number;
  target: number;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * Measures the round trip of a vector, in turns as `ParameterUpdate` frames (the value), which are
 * encoded, sent, received into a reused buffer and decoded, and as bare bytes (the ceiling), which
 * `raw` sends and receives.
 */
export async function thereAndBack(
  { name, length, repetitions, target }: SizeCase,
  side: PingPong,
  raw: () => Promise<void>,
  signal: AbortSignal,
): Promise<BenchResult> {
  const times: { raw: number[]; framed: number[] } = { raw: [], framed: [] };
  const warmUp = Math.ceil(repetitions / 10);
  for (let repetition = -warmUp; repetition < repetitions; repetition++) {
    signal.throwIfAborted();
    times.raw.push(await timed(raw));
    times.framed.push(
      await timed(async () => {
        await side.send();
        await side.receive();
      }),
    );
  }
  const bytes = 2 * length * Float32Array.BYTES_PER_ELEMENT;
  return rateResult(
    name,
    { bytes, times: times.framed.slice(warmUp) },
    { bytes, times: times.raw.slice(warmUp) },
    target,
  );
}
