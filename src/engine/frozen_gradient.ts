import type { Manifest, ParameterVector } from "../params/manifest.ts";

/** Sets the gradients of tensors that are not trained to zeros. */
export function clearFrozen(gradient: ParameterVector, { tensors }: Manifest): void {
  for (const { offset, length, trainable } of tensors) {
    if (!trainable) gradient.fill(0, offset, offset + length);
  }
}
