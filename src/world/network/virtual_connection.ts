import { ConnectionClosedError } from "../../base/errors.ts";
import type { Channel } from "../../net/transport.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { Stream } from "./stream.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** End of a connection that a process holds. */
class VirtualChannel implements Channel, Disposable {
  readonly remote: string;
  readonly #process: VirtualProcess;
  readonly #incoming: Stream;
  readonly #outgoing: Stream;
  #isClosed = false;

  constructor(remote: string, process: VirtualProcess, incoming: Stream, outgoing: Stream) {
    this.remote = remote;
    this.#process = process;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    process.own(this);
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    return this.#incoming.read(into);
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#outgoing.end();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#process.disown(this);
    this[Symbol.dispose]();
    this.fail("it was closed on this side");
  }

  /** Tells the process that the connection is lost, in a turn of it. */
  fail(why: string): void {
    const error = new ConnectionClosedError(`Lost the connection to ${this.remote}: ${why}`);
    this.#incoming.failReader(error);
    this.#outgoing.failWriter(error);
  }

  /** Closes it as an operating system does for a process that has ended. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outgoing.end();
    this.#incoming.takeNothing();
  }
}

/** Connection between two processes: two streams, and the packets that end both. */
export class VirtualConnection {
  /** End of the process that has connected. */
  readonly near: Channel;
  /** End of the process that was listening. */
  readonly far: Channel;
  readonly #network: VirtualNetwork;
  readonly #ends: readonly [VirtualChannel, VirtualChannel];
  readonly #processes: readonly [VirtualProcess, VirtualProcess];
  readonly #streams: readonly [Stream, Stream];
  #isLost = false;

  /** Connects two processes. `address` is the one of the listener. */
  constructor(
    network: VirtualNetwork,
    client: VirtualProcess,
    server: VirtualProcess,
    { address, port }: { readonly address: string; readonly port: number },
  ) {
    this.#network = network;
    this.#processes = [client, server];
    const up = new Stream({ network, from: client, to: server, onRefused: () => this.#refuse(0) });
    const down = new Stream({
      network,
      from: server,
      to: client,
      onRefused: () => this.#refuse(1),
    });
    this.#streams = [up, down];
    const near = new VirtualChannel(`world ${address}`, client, down, up);
    const far = new VirtualChannel(`world ${client.machine.name}:${port}`, server, up, down);
    this.#ends = [near, far];
    this.near = near;
    this.far = far;
  }

  /** Streams of both directions. */
  get streams(): readonly Stream[] {
    return this.#streams;
  }

  /** Machines at both ends. */
  get machines(): readonly string[] {
    return this.#processes.map(({ machine }) => machine.name);
  }

  /** True if it can carry nothing more. */
  get isLost(): boolean {
    return this.#isLost || this.#processes.every(({ end }) => end !== undefined);
  }

  /** Breaks it off at both ends, as a device between them does that has lost its state. */
  reset(): void {
    for (const i of [0, 1] as const) this.#failEnd(i, "connection reset by peer");
    this.#isLost = true;
  }

  /** Gives up at one end, which has heard nothing for too long. The other end hears nothing. */
  timeOut(stream: Stream): void {
    this.#failEnd(stream === this.#streams[0] ? 0 : 1, "connection timed out");
  }

  /** Answers a packet of one end that nobody takes: that end is told so. */
  #refuse(sender: 0 | 1): void {
    const [from, to] = sender === 0 ? this.#processes : this.#processes.toReversed();
    if (from === undefined || to === undefined || this.#isLost) return;
    this.#network.deliver(to, from, () => {
      this.#ends[sender].fail("connection reset by peer");
    });
  }

  #failEnd(i: 0 | 1, why: string): void {
    this.#network.scheduler.after(0, () => this.#ends[i].fail(why), { actor: this.#processes[i] });
  }
}
