/** Result of a check of this machine. */
export interface Finding {
  /** Subject of the check, such as `kernels`. */
  readonly subject: string;
  /** `ok`, `note` for what only some runs need, `problem` for what runs cannot do without. */
  readonly state: "ok" | "note" | "problem";
  /** Description of the state, in one line. */
  readonly found: string;
  /** Remedy, in one line. */
  readonly advice?: string;
}
