/** Reason for which a cluster cannot be used. */
export type ClusterFault =
  | "unreachable"
  | "no-jetstream"
  | "too-old"
  | "not-authorized"
  | "store-full"
  | "other-data"
  | "other-version"
  | "other-rounding"
  | "module-refused"
  | "bad-message"
  | "left-out"
  | "two-coordinators"
  | "lost-jobs";

/** Error of a cluster that cannot be used, or of a message of one that cannot be believed. */
export class ClusterError extends Error {
  /** Reason. */
  readonly fault: ClusterFault;

  /** Creates an error whose message says what was expected and what was found. */
  constructor(fault: ClusterFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ClusterError";
    this.fault = fault;
  }
}
