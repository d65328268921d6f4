/**
 * Limits of the frames.
 *
 * @module
 */

/** Most bytes of a body besides its tensors. */
export const FIELDS_BYTES = 65_536;

/** Limits on the length of a body. */
export interface WireLimits {
  /**
   * Bytes of a body that carries a vector (`ParameterUpdate`, `GradientUpdate`, `EvaluateParams`).
   */
  readonly bulkBytes: number;
  /** Bytes of any other body. */
  readonly controlBytes: number;
}

/** 2 GiB for a body that carries a vector, 1 MiB for any other. */
export const DEFAULT_LIMITS: WireLimits = { bulkBytes: 2 ** 31, controlBytes: 2 ** 20 };
