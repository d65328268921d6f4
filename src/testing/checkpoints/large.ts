import { Random } from "../../base/random.ts";
import { Manifest, type ParameterVector } from "../../params/manifest.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";

const MANIFEST = Manifest.of([
  { name: "kernel", shape: [300, 1000] },
  { name: "bias", shape: [7] },
]);

/** Makes a checkpoint of 1.2 MB that is computed from its round alone. */
export function largeCheckpoint(round: number): Checkpoint {
  const step = new Random(9, "test", { round }).uint32();
  const parameters: ParameterVector = new Float32Array(MANIFEST.length);
  for (let i = 0; i < parameters.length; i++) parameters[i] = Math.imul(step, i + 1) / 2 ** 31;
  return { manifest: MANIFEST, parameters, round, state: { round, step }, score: step };
}
