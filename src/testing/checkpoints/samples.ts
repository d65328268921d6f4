import { Manifest } from "../../params/manifest.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import { assertMatch, assertStringIncludes } from "../deps.ts";

/** Manifest of {@linkcode checkpoint}. */
export const MANIFEST = Manifest.of([
  { name: "dense/kernel", shape: [3, 4] },
  { name: "bn/moving_mean", shape: [4], trainable: false },
  { name: "größe", shape: [] },
]);

/** Makes a small checkpoint. */
export function checkpoint(round: number, more: Partial<Checkpoint> = {}): Checkpoint {
  const parameters = new Float32Array(MANIFEST.length).fill(round);
  return { manifest: MANIFEST, parameters, round, state: { seed: 7, round }, ...more };
}

/** Asserts that a message is one line that contains the given parts. */
export function assertOneLine(message: string, ...parts: string[]): void {
  assertMatch(message, /^[A-Z][^\n]*[^.\n]$/);
  for (const part of parts) assertStringIncludes(message, part);
}

/** Returns the bits of a checkpoint's parameters. */
export function bitsOf({ parameters }: Pick<Checkpoint, "parameters">): number[] {
  return [...new Uint32Array(parameters.buffer, parameters.byteOffset, parameters.length)];
}

/** Makes a history of some rounds. */
export function historyOf(rounds: number, more: Record<string, unknown> = {}): unknown[] {
  return Array.from(
    { length: rounds },
    (_, i) => ({ round: i + 1, text: "ü\n\u2028".repeat(i + 1), ...more }),
  );
}
