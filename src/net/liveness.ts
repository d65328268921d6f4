import { DeadlineError } from "../base/errors.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { HeartbeatPayload } from "../wire/messages.ts";
import type { Connection } from "./connection.ts";
import type { HeartbeatHost } from "./heartbeat.ts";
import type { MessageWriter } from "./message_writer.ts";

/** Connection as its heartbeat sees it. */
export class Liveness implements HeartbeatHost {
  readonly #connection: Connection;
  readonly #writer: MessageWriter;
  readonly #content: () => HeartbeatPayload;

  /** Keeps a connection alive by heartbeats with that content. */
  constructor(connection: Connection, writer: MessageWriter, content: () => HeartbeatPayload) {
    this.#connection = connection;
    this.#writer = writer;
    this.#content = content;
  }

  isWriting(): boolean {
    return this.#writer.isWriting;
  }

  sendHeartbeat(): void {
    this.#connection.send({ code: MessageCode.Heartbeat, payload: this.#content() }).catch(
      () => {},
    );
  }

  giveUp(reason: string): void {
    const { remote } = this.#connection;
    this.#connection.abort(new DeadlineError(`Lost the connection to ${remote}: ${reason}`));
  }
}
