import { digesters } from "../../base/hash.ts";
import { isDeno } from "../../base/runtime/runtime.ts";

/** SHA-256 that takes its bytes in pieces. */
export interface Digest {
  /** Takes the next bytes. */
  update(bytes: Uint8Array): void;
  /** Ends the digest and gives it in hexadecimal. */
  finish(): string;
}

/** Returns a function that makes digests, in any runtime. */
export async function makeDigests(): Promise<() => Digest> {
  if (isDeno()) {
    const make = await digesters("sha256");
    return () => {
      const hash = make();
      return { update: (bytes) => void hash.update(bytes), finish: () => hash.digest("hex") };
    };
  }
  const { sha256 } = await import("../deps.ts");
  return () => {
    const hash = sha256.create();
    return {
      update: (bytes) => void hash.update(bytes),
      finish: () => new Uint8Array(hash.digest()).toHex(),
    };
  };
}
