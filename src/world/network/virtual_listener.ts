import type { Channel, Listener } from "../../net/transport.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import type { VirtualChannel } from "./virtual_channel.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Connections that wait to be accepted; the machine ignores those who want to connect then. */
const BACKLOG = 4096;

/** Surroundings of a listener. */
export interface VirtualListenerParts {
  readonly network: VirtualNetwork;
  readonly process: VirtualProcess;
  readonly address: string;
  /** Called once when it is closed. */
  readonly onClose: () => void;
}

/** Listener of a process. Its machine connects those who come, whatever the process does. */
export class VirtualListener implements Listener, Disposable {
  readonly address: string;
  /** Process that listens. */
  readonly process: VirtualProcess;
  readonly #network: VirtualNetwork;
  readonly #onClose: () => void;
  readonly #queue: VirtualChannel[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** Creates a listener, which the process owns. */
  constructor({ network, process, address, onClose }: VirtualListenerParts) {
    this.address = address;
    this.process = process;
    this.#network = network;
    this.#onClose = onClose;
    process.own(this);
  }

  /** Name among what a process has left open. */
  toString(): string {
    return `the listener at ${this.address}`;
  }

  /** True if it takes no more connections until some were accepted. */
  get isFull(): boolean {
    return this.#queue.length >= BACKLOG;
  }

  /** Queues a connection. Returns false if it is closed. */
  offer(channel: VirtualChannel): boolean {
    if (this.#isClosed) return false;
    this.#queue.push(channel);
    this.#wake();
    return true;
  }

  async accept(isWelcome?: (remote: string) => boolean): Promise<Channel | null> {
    for (;;) {
      const channel = this.#queue.shift();
      if (channel !== undefined) {
        channel.accept();
        if (isWelcome === undefined || isWelcome(channel.remote)) return channel;
        channel.close();
      } else if (this.#isClosed) return null;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.process.disown(this);
    this[Symbol.dispose]();
    this.#wake();
  }

  /** Closes it as an operating system does: those who were not accepted are reset. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const channel of this.#queue.splice(0)) channel.abandon();
    this.#onClose();
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#network.inTurnOf(this.process, () => waiting.forEach((resolve) => resolve()));
  }
}
