import { ConnectionClosedError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { QueueListener } from "../../net/queue_listener.ts";
import type { Channel, Listener, Transport } from "../../net/transport.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import { delayOf, GOOD_LINK, type LinkState } from "./link.ts";
import type { Stream } from "./stream.ts";
import { VirtualConnection } from "./virtual_connection.ts";

/** Shortest and longest time until a sender whose packets do not arrive gives up, in ms. */
const GIVE_UP_MILLIS = [30_000, 900_000] as const;
/** Longest time until packets are sent again when a link is back, in milliseconds. */
const RETRANSMIT_MILLIS = 3000;
/** Time until an attempt to connect over a link that is cut ends, in milliseconds. */
const CONNECT_MILLIS = 30_000;
/** First port of those that clients get. */
const FIRST_PORT = 32_768;

interface Listening {
  readonly process: VirtualProcess;
  readonly queue: QueueListener;
}

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

/** Network of a world: links between machines, listeners and connections. */
export class VirtualNetwork {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly #onEvent: NetworkParts["onEvent"];
  readonly #isOn: NetworkParts["isOn"];
  readonly #listeners = new Map<string, Listening>();
  readonly #links = new Map<string, LinkState>();
  #default: LinkState = GOOD_LINK;
  #connections: VirtualConnection[] = [];
  readonly #heldBack = new Set<Stream>();
  #nextPort = FIRST_PORT;

  /** Creates a network of good links. */
  constructor({ scheduler, random, isOn, onEvent }: NetworkParts) {
    this.scheduler = scheduler;
    this.random = random;
    this.#isOn = isOn;
    this.#onEvent = onEvent;
  }

  /** Time in milliseconds. */
  get now(): number {
    return this.scheduler.now;
  }

  /** State of the link from one machine to another. */
  link(from: string, to: string): LinkState {
    return this.#links.get(`${from}>${to}`) ?? this.#default;
  }

  /** Changes the link from one machine to another; `undefined` makes it like all others. */
  setLink(from: string, to: string, change: Partial<LinkState> | undefined): void {
    const key = `${from}>${to}`;
    if (change === undefined) this.#links.delete(key);
    else this.#links.set(key, { ...this.link(from, to), ...change });
    this.sendAgain();
  }

  /** Changes all links that were not changed by themselves. */
  setAllLinks(change: Partial<LinkState>): void {
    this.#default = { ...this.#default, ...change };
    this.sendAgain();
  }

  /** Connections that are open at one end at least. */
  get connections(): readonly VirtualConnection[] {
    this.#connections = this.#connections.filter(({ isLost }) => !isLost);
    return this.#connections;
  }

  /** Breaks a connection off at both ends. */
  reset(connection: VirtualConnection): void {
    this.#onEvent("network", `resets ${connection.machines.join(" - ")}`);
    connection.reset();
  }

  /** Returns the transport of a process. An address is `"MACHINE:PORT"`. */
  transportOf(process: VirtualProcess): Transport {
    return {
      name: "world",
      connect: (address, options) => this.#connect(process, address, options?.signal),
      listen: (address) => this.#listen(process, address),
    };
  }

  /** Does something in a turn of `to` when a packet of `from` has come, if the link carries it. */
  deliver(from: VirtualProcess, to: VirtualProcess, action: () => void): void {
    const link = this.link(from.machine.name, to.machine.name);
    if (link.isCut || !from.machine.isOn) return;
    this.scheduler.after(delayOf(link, this.random), action, { actor: to });
  }

  /** Notes that packets of a stream wait for their link, for which their sender waits some time. */
  holdBack(stream: Stream): void {
    this.#heldBack.add(stream);
    const [least, most] = GIVE_UP_MILLIS;
    this.scheduler.after(least + (most - least) * this.random.uniform() ** 3, () => {
      if (!this.#heldBack.delete(stream)) return;
      const connection = this.#connections.find(({ streams }) => streams.includes(stream));
      const { from, to } = stream.machines;
      this.#onEvent(from.name, `gives up a connection to ${to.name}`);
      connection?.timeOut(stream);
    });
  }

  /** Lets the packets go that wait for links that were cut, or for machines that were off. */
  sendAgain(): void {
    for (const stream of [...this.#heldBack]) {
      const { from, to } = stream.machines;
      if (this.link(from.name, to.name).isCut || !to.isOn) continue;
      this.#heldBack.delete(stream);
      this.scheduler.after(RETRANSMIT_MILLIS * this.random.uniform(), () => stream.retransmit());
    }
  }

  #listen(process: VirtualProcess, address: string): Promise<Listener> {
    if (this.#listeners.has(address)) {
      return Promise.reject(
        new Error(
          `Cannot listen on ${address}: the port is in use, choose another or stop what holds it`,
        ),
      );
    }
    const free = () => {
      this.#listeners.delete(address);
      process.disown(held);
    };
    const held: Disposable = { [Symbol.dispose]: () => void this.#listeners.delete(address) };
    const queue = new QueueListener(address, free);
    process.own(held);
    this.#listeners.set(address, { process, queue });
    this.#onEvent(process.name, `listens on ${address}`);
    return Promise.resolve(queue);
  }

  #connect(
    process: VirtualProcess,
    address: string,
    signal: AbortSignal | undefined,
  ): Promise<Channel> {
    const from = process.machine.name, to = address.slice(0, address.lastIndexOf(":"));
    const { promise, resolve, reject } = Promise.withResolvers<Channel>();
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) return Promise.reject(signal.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const fail = (millis: number, why: string) =>
      this.scheduler.after(millis, () => {
        signal?.removeEventListener("abort", abort);
        reject(new ConnectionClosedError(`Cannot connect to ${address}: ${why}`));
      }, { actor: process });
    const there = this.link(from, to), back = this.link(to, from);
    if (there.isCut || back.isCut || !this.#isOn(to)) {
      fail(CONNECT_MILLIS, "connection timed out");
      return promise;
    }
    const wayBack = delayOf(back, this.random);
    this.scheduler.after(delayOf(there, this.random), () => {
      const listening = this.#listeners.get(address);
      if (listening === undefined) {
        fail(wayBack, "no server answers there");
        return;
      }
      if (signal?.aborted) return;
      const connection = new VirtualConnection(this, process, listening.process, {
        address,
        port: this.#nextPort++,
      });
      this.#connections.push(connection);
      this.#onEvent(process.name, `connects to ${address}`);
      this.scheduler.after(0, () => listening.queue.offer(connection.far), {
        actor: listening.process,
      });
      this.scheduler.after(wayBack, () => {
        signal?.removeEventListener("abort", abort);
        if (signal?.aborted) connection.near.close();
        else resolve(connection.near);
      }, { actor: process });
    });
    return promise;
  }
}
