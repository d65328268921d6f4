import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import { TENSOR_ALIGNMENT } from "../../wire/body_reader.ts";
import type { ServerBackendHandler } from "./server_backend_handler.ts";
import type { ServerCodecs } from "./server_codecs.ts";

/** Memory for staging buffers. Small models have more of them, large ones at least four. */
const STAGING_BYTES = 64 * 2 ** 20;
const MIN_STAGING_BUFFERS = 4;
const MAX_STAGING_BUFFERS = 64;
/** Returns the number of staging buffers of that many bytes. */
export function stagingBuffers(bytes: number): number {
  const many = Math.floor(STAGING_BYTES / bytes);
  return Math.min(MAX_STAGING_BUFFERS, Math.max(MIN_STAGING_BUFFERS, many));
}

/**
 * Returns the bytes of a staging buffer: room for the body of an update and, where updates are
 * encoded, for the decoded vector behind it.
 *
 * ```text
 * | fields and parameters            |
 * | fields and codes | decoded vector |
 * ```
 */
export function stagingBytes(
  { byteLength }: Manifest,
  codecs: Pick<ServerCodecs, "uplink"> | undefined,
): number {
  const coded = codecs?.uplink?.byteLength ?? 0;
  return FIELDS_BYTES + byteLength + Math.ceil(coded / TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT;
}

/**
 * Returns the place for the decoded vector of an update in the staging buffer in which its codes
 * lie.
 *
 * @returns `undefined` if they lie elsewhere.
 */
export function decodedPlace(
  codes: Uint8Array,
  { staging, manifest: { length, byteLength } }: Pick<ServerBackendHandler, "staging" | "manifest">,
): ParameterVector | undefined {
  const buffer = staging.around(codes);
  const free = (buffer?.byteLength ?? 0) - byteLength;
  if (buffer === undefined || free < FIELDS_BYTES + codes.length) return undefined;
  return new Float32Array(buffer.buffer, buffer.byteOffset + free, length);
}
