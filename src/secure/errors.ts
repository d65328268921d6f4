/** Reason for which a client or a server ends an attempt of secure aggregation. */
export type SecureFault =
  // What a client refuses.
  | "too-few-members"
  | "threshold-out-of-range"
  | "repeated-key"
  | "own-keys-altered"
  | "low-order-key"
  | "unlisted-key"
  | "bad-signature"
  | "second-members"
  | "wrong-stage"
  | "too-few-shares"
  | "box-does-not-open"
  | "box-misdirected"
  | "ring-differs"
  | "second-unmask"
  | "revealed-already"
  | "dropped-self"
  | "dropped-stranger"
  | "dropped-twice"
  | "too-few-survivors"
  | "too-few-votes"
  | "plain-update-asked"
  | "budget-spent"
  | "model-changed"
  | "non-finite"
  // What a server refuses, or ends an attempt for.
  | "unknown-member"
  | "malformed"
  | "wrong-shares"
  | "secret-lost";

/**
 * Error that ends an attempt of secure aggregation. {@linkcode SecureError.fault} names the reason.
 */
export class SecureError extends Error {
  /** Reason. */
  readonly fault: SecureFault;
  /** Ranks that caused it, where they are known. */
  readonly ranks: readonly number[];

  /** Creates an error; the message says what was expected and what arrived. */
  constructor(
    fault: SecureFault,
    message: string,
    options: ErrorOptions & { readonly ranks?: readonly number[] } = {},
  ) {
    super(message, options);
    this.name = "SecureError";
    this.fault = fault;
    this.ranks = options.ranks ?? [];
  }
}
