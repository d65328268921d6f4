import { ConnectionClosedError } from "../base/errors.ts";

/** End of a connection, which all of its parts know of. */
export class Ending {
  /** Reason of a connection that has ended. */
  failure: Error | undefined;
  /** Set once it has begun to close. */
  isClosing = false;
  readonly #remote: string;

  /** Creates the state of an open connection to `remote`. */
  constructor(remote: string) {
    this.#remote = remote;
  }

  /** True if the connection has neither ended nor begun to close. */
  get isOpen(): boolean {
    return this.failure === undefined && !this.isClosing;
  }

  /** Error of a connection that was closed on this side. */
  get closedHere(): ConnectionClosedError {
    return new ConnectionClosedError(
      `Lost the connection to ${this.#remote}: it was closed on this side`,
    );
  }

  /** Throws the reason unless the connection is open. */
  check(): void {
    if (!this.isOpen) throw this.failure ?? this.closedHere;
  }
}
