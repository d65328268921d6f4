import type { PingPong } from "./ping_pong.ts";
import { type BenchResult, rateResult } from "../result.ts";

/** A size of message that is sent there and back. */
export interface SizeCase {
  name: string;
  /** Values of the vector. */
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
 * A vector there and back, by turns as `ParameterUpdate` frames (the value), each encoded, sent, received into a buffer that is used again, and decoded;
 * and as bare bytes (the ceiling), which `raw` sends and takes back.
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
