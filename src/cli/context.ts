/** Signals that every command receives. */
export interface CommandContext {
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
  /**
   * Sets the action on SIGHUP until the result is disposed of. Default: ends the command as SIGTERM
   * does.
   */
  onHangUp?(action?: () => void): Disposable;
}
