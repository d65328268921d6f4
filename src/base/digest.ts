import type { Hash } from "node:crypto";

/** A digest that takes its bytes in pieces. */
export async function digester(algorithm: "sha256" | "md5"): Promise<Hash> {
  return (await digesters(algorithm))();
}

/** Makes digests one after the other. */
export async function digesters(algorithm: "sha256" | "md5"): Promise<() => Hash> {
  // Only when it is needed: a browser has no such module.
  const { createHash } = await import("node:crypto");
  return () => createHash(algorithm);
}
