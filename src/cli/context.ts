import type { Command } from "./deps.ts";

/** Signals that every command receives, and the other commands. */
export interface CommandContext {
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
  /**
   * Sets the action on SIGHUP until the result is disposed of. Default: ends the command as SIGTERM
   * does.
   */
  onHangUp?(action?: () => void): Disposable;
  /** Loads all commands. */
  loadCommands(): Promise<Command[]>;
}
