import type { Random } from "../../base/random.ts";
import { ConnectionClosedError } from "../../base/errors.ts";
import { parseAddress } from "../../net/tcp.ts";
import type { Listener, Transport } from "../../net/transport.ts";
import type { Machine } from "../machine.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { Handshake, type Place } from "./handshake.ts";
import { Links, type LinkState } from "./link.ts";
import type { NetworkTap } from "./tap.ts";
import { VirtualConnection } from "./virtual_connection.ts";
import { VirtualListener } from "./virtual_listener.ts";

/** First port of those that machines choose, and their number. */
const FIRST_PORT = 32_768, PORTS = 28_232;
/** Names by which each machine reaches itself. */
const OWN_NAMES: readonly string[] = ["0.0.0.0", "127.0.0.1", "localhost"];

/** Parts of a network. */
export interface NetworkParts {
  readonly scheduler: Scheduler;
  /** Stream that delays are drawn from. */
  readonly random: Random;
  /** Reports whether the machine of a name is there and has power. */
  readonly isOn: (machine: string) => boolean;
  /** Called with each event, in one line: a connection that is opened, refused or lost. */
  readonly onEvent: (name: string, text: string) => void;
}

/**
 * Network of a world: links between machines, listeners and connections, which act as TCP does on
 * Linux. `tests/world/network` has the table of what it does at which fault.
 */
export class VirtualNetwork {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Observer of the connections that are opened from now on. */
  tap: NetworkTap | undefined;
  /** Links between machines. */
  readonly links = new Links();
  /** Reports whether the machine of a name is there and has power. */
  readonly isOn: NetworkParts["isOn"];
  /** Writes a line to the log of the world. */
  readonly tell: NetworkParts["onEvent"];
  readonly #listeners = new Map<string, VirtualListener>();
  readonly #connections = new Set<VirtualConnection>();
  #portsGiven = 0;

  /** Creates a network of good links. */
  constructor({ scheduler, random, isOn, onEvent }: NetworkParts) {
    this.scheduler = scheduler;
    this.random = random;
    this.isOn = isOn;
    this.tell = onEvent;
  }

  /** Time in milliseconds. */
  get now(): number {
    return this.scheduler.now;
  }

  /** State of the link from one machine to another. */
  link(from: string, to: string): LinkState {
    return this.links.of(from, to).state;
  }

  /** Changes the link from one machine to another; `undefined` makes it like all others. */
  setLink(from: string, to: string, change: Partial<LinkState> | undefined): void {
    this.links.change(from, to, change);
    this.#reconsider(from, to);
  }

  /** Changes all links between two machines, but for what was changed of a link by itself. */
  setAllLinks(change: Partial<LinkState>): void {
    this.links.changeAll(change);
    this.#reconsider();
  }

  /** Connections that are open at one end at least. */
  get connections(): readonly VirtualConnection[] {
    return [...this.#connections].filter(({ isOpen }) => isOpen);
  }

  /** Breaks a connection off at both ends, as a device between them does. */
  reset(connection: VirtualConnection): void {
    this.tell("network", `resets ${connection.machines.join(" - ")}`);
    connection.reset();
  }

  /** Notes that a machine has lost its power, or has it again. */
  powerChanged(machine: Machine): void {
    if (!machine.isOn) {
      for (const { near, far } of [...this.#connections]) {
        for (const end of [near, far]) if (end.machine === machine) end.vanish();
      }
    }
    this.#reconsider();
  }

  /** Returns the transport of a process. An address is `"MACHINE:PORT"`. */
  transportOf(process: VirtualProcess): Transport {
    return {
      name: "world",
      connect: async (address, { signal } = {}) => {
        signal?.throwIfAborted();
        const place = placeOf(process, address);
        return await new Handshake(this, process, { place, signal }).channel;
      },
      listen: (address) => this.#listen(process, address),
    };
  }

  /** Returns the listener at a port of a machine; `undefined` if nothing listens. */
  listenerAt(machine: string, port: number): VirtualListener | undefined {
    return this.#listeners.get(`${machine}:${port}`);
  }

  /** Opens a connection of a process to a listener. */
  open(client: VirtualProcess, listener: VirtualListener, address: string): VirtualConnection {
    this.tell(client.name, `connects to ${address}`);
    const connection = new VirtualConnection(this, {
      ...{ client, listener, address, port: this.#nextPort() },
      onOver: (connection) => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Does something in a turn of a process: in this one, or in one of its own. */
  inTurnOf(process: VirtualProcess, action: () => void): void {
    if (this.scheduler.current === process) action();
    else this.scheduler.after(0, action, { actor: process });
  }

  #listen(process: VirtualProcess, address: string): Promise<Listener> {
    const { machine, port } = placeOf(process, address);
    const refuse = (error: Error) => Promise.reject(error);
    if (machine !== process.machine.name) {
      return refuse(
        new ConnectionClosedError(
          `Cannot listen on ${address}: Cannot assign requested address (os error 99)`,
        ),
      );
    }
    const chosen = port === 0 ? this.#freePort(machine) : port;
    const key = `${machine}:${chosen}`;
    if (this.#listeners.has(key)) {
      return refuse(
        new Error(
          `Cannot listen on ${address}: the port is in use, choose another or stop what holds it`,
        ),
      );
    }
    const listener = new VirtualListener({
      ...{ network: this, process },
      address: address.replace(/\d+$/, String(chosen)),
      onClose: () => this.#listeners.delete(key),
    });
    this.#listeners.set(key, listener);
    this.tell(process.name, `listens on ${listener.address}`);
    return Promise.resolve(listener);
  }

  #freePort(machine: string): number {
    for (;;) {
      const port = this.#nextPort();
      if (!this.#listeners.has(`${machine}:${port}`)) return port;
    }
  }

  #nextPort(): number {
    return FIRST_PORT + this.#portsGiven++ % PORTS;
  }

  /** Lets the connections between two machines, or all, notice a change. */
  #reconsider(...changed: string[]): void {
    for (const connection of [...this.#connections]) {
      if (!changed.every((name) => connection.machines.includes(name))) continue;
      connection.near.reconsider();
      connection.far.reconsider();
    }
  }
}

/** Reads an address. */
function placeOf(process: VirtualProcess, address: string): Place {
  const { hostname, port } = parseAddress(address);
  const machine = OWN_NAMES.includes(hostname) ? process.machine.name : hostname;
  return { address, machine, port };
}
