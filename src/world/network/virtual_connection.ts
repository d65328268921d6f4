import { type EndTap, endTaps } from "./tap.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { VirtualChannel } from "./virtual_channel.ts";
import type { VirtualListener } from "./virtual_listener.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Addresses of a connection. */
export interface VirtualConnectionOptions {
  /** Process that connects. */
  readonly client: VirtualProcess;
  /** Listener that it connects to. */
  readonly listener: VirtualListener;
  /** Address of the listener as the client gave it. */
  readonly address: string;
  /** Port of the client. */
  readonly port: number;
  /** Called once when neither machine has anything more to do for it. */
  readonly onOver: (connection: VirtualConnection) => void;
}

/** Connection between two processes. */
export class VirtualConnection {
  /** End of the process that has connected. */
  readonly near: VirtualChannel;
  /** End of the process that was listening. */
  readonly far: VirtualChannel;
  /** Names of the machines at both ends. */
  readonly machines: readonly string[];
  readonly #network: VirtualNetwork;

  /** Connects two processes. The listener is offered its end when the client's packet comes. */
  constructor(network: VirtualNetwork, options: VirtualConnectionOptions) {
    const { client, listener, address, port, onOver } = options;
    const server = listener.process;
    this.#network = network;
    this.machines = [client.machine.name, server.machine.name];
    const taps: readonly EndTap[] = network.tap === undefined
      ? []
      : endTaps(network.tap, port, this.machines);
    const onChange = () => {
      if (this.near.isOver && this.far.isOver) onOver(this);
    };
    this.near = new VirtualChannel({
      ...{ network, process: client, peer: server, onChange },
      remote: `world ${address}`,
      tap: taps[0],
      other: () => this.far,
      onBegin: () => true,
    });
    this.far = new VirtualChannel({
      ...{ network, process: server, peer: client, onChange },
      remote: `world ${client.machine.name}:${port}`,
      tap: taps[1],
      other: () => this.near,
      onBegin: () => listener.offer(this.far),
    });
  }

  /** True if one of its ends is open. */
  get isOpen(): boolean {
    return this.near.isOpen || this.far.isOpen;
  }

  /** Breaks it off at both ends, as a device between them does, as far as its packets pass. */
  reset(): void {
    const { links, random, scheduler } = this.#network;
    for (const [end, other] of [[this.near, this.far], [this.far, this.near]] as const) {
      const link = links.of(other.machine.name, end.machine.name);
      if (link.passes) scheduler.after(link.delay(random), () => end.reset());
    }
  }
}
