/** What every command is given. */
export interface CommandContext {
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Has SIGHUP do this, until disposed of, in place of ending the process in order. */
  onHangUp?(action: () => void): Disposable;
}
