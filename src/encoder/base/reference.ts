/**
 * Agreement on the file of a base, and on where it may be fetched from.
 *
 * @module
 */

import type { BaseReference } from "../../train/models/encoder/encoder_model.ts";

/** File of a base as a plan names it: digest and size. */
export type BaseFacts = Pick<BaseReference, "sha256" | "bytes">;

/**
 * Checks what is said of a file.
 *
 * @throws {TypeError} If it is no SHA-256, or no size.
 */
export function checkFacts({ sha256, bytes }: Partial<BaseFacts>, needsSize: boolean): void {
  if (!/^[0-9a-f]{64}$/.test(sha256 ?? "")) {
    throw new TypeError(
      `Cannot open the base: expected a SHA-256 of 64 hexadecimal digits, got ${sha256}`,
    );
  }
  if (bytes === undefined && !needsSize) return;
  if (!Number.isSafeInteger(bytes) || (bytes ?? 0) < 1) {
    throw new TypeError(`Cannot open the base: expected its size in bytes, got ${bytes}`);
  }
}

/**
 * Returns those of the addresses in a plan whose host an application allows. A host is a name with
 * its port unless that is the usual one, such as `example.org` or `localhost:8000`.
 *
 * @throws {RangeError} If there is none.
 */
export function allowedMirrors(
  { mirrors = [] }: Pick<BaseReference, "mirrors">,
  hosts: readonly string[],
): string[] {
  const allowed = mirrors.filter((url) => URL.canParse(url) && hosts.includes(new URL(url).host));
  if (allowed.length > 0) return allowed;
  const shown = (list: readonly string[]) => list.length === 0 ? "none" : list.join(", ");
  throw new RangeError(
    `Cannot open the base: expected an address on a host that is allowed (${shown(hosts)}), got ${
      shown(mirrors)
    }`,
  );
}
