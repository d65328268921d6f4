/** What every command is given. */
export interface CommandContext {
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Has SIGHUP do this, until disposed of; without an action, end the command in order. */
  onHangUp?(action?: () => void): Disposable;
}
