/** What every command is given. */
export interface CommandContext {
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
}
