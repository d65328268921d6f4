import type { Manifest } from "./manifest.ts";

/**
 * Describes the first tensor in which two manifests of different digests differ, such as
 * `expected tensor 0 to be kernel [64,10], got weights [64,10]`.
 */
export function compareManifests(expected: Manifest, got: Manifest): string {
  const describe = (manifest: Manifest, index: number) => {
    const tensor = manifest.tensors[index];
    return tensor === undefined
      ? "none"
      : `${tensor.name} [${tensor.shape}]${tensor.trainable ? "" : " not trainable"}`;
  };
  const count = Math.max(expected.tensors.length, got.tensors.length);
  for (let i = 0; i < count; i++) {
    if (describe(expected, i) !== describe(got, i)) {
      return `expected tensor ${i} to be ${describe(expected, i)}, got ${describe(got, i)}`;
    }
  }
  return "expected the digest of the server's own manifest, got another";
}
