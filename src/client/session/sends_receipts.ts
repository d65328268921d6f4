import type { Manifest } from "../../params/manifest.ts";

/** Largest model, in bytes, for whose vectors clients send no receipts. */
const MOST_BYTES_WITHOUT_RECEIPT = 64 * 1024;

/**
 * Tells if a client sends a receipt for each vector of a model. Vectors that are small pass any
 * link at once.
 */
export function sendsReceipts({ byteLength }: Manifest): boolean {
  return byteLength > MOST_BYTES_WITHOUT_RECEIPT;
}
