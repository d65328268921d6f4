import { ConnectionClosedError } from "../../base/errors.ts";
import type { Channel } from "../../net/transport.ts";
import type { WorldEvent } from "../event_queue.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import type { VirtualListener } from "./virtual_listener.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Time until the first attempt is repeated, in milliseconds. It doubles each time. */
const FIRST_MILLIS = 1000;
/** Number of attempts, which take 127 seconds together. */
const ATTEMPTS = 7;

/** Place to connect to. */
export interface Place {
  /** Address as the process gave it. */
  readonly address: string;
  /** Name of the machine. */
  readonly machine: string;
  readonly port: number;
}

/** Attempt of a process to connect, as the system of its machine makes it. */
export class Handshake implements Disposable {
  /** The channel, once the other machine has answered. */
  readonly channel: Promise<Channel>;
  readonly #network: VirtualNetwork;
  readonly #process: VirtualProcess;
  readonly #place: Place;
  readonly #settled = Promise.withResolvers<Channel>();
  #attempts = 0;
  #next: WorldEvent | undefined;
  #isOver = false;

  /** Begins. The process owns it until it is over. */
  constructor(
    network: VirtualNetwork,
    process: VirtualProcess,
    { place, signal }: { readonly place: Place; readonly signal: AbortSignal | undefined },
  ) {
    this.#network = network;
    this.#process = process;
    this.#place = place;
    const abort = () => {
      this.#end();
      this.#settled.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.channel = this.#settled.promise.finally(() => signal?.removeEventListener("abort", abort));
    process.own(this);
    this.#attempt();
  }

  /** Name among what a process has left open. */
  toString(): string {
    return `an attempt to connect to ${this.#place.address}`;
  }

  /** Ends the attempts. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    if (this.#next !== undefined) this.#network.scheduler.cancel(this.#next);
  }

  #end(): void {
    this[Symbol.dispose]();
    this.#process.disown(this);
  }

  #attempt(): void {
    const { links, random, scheduler } = this.#network;
    if (this.#attempts === ATTEMPTS) return this.#fail("Connection timed out (os error 110)");
    this.#next = scheduler.after(FIRST_MILLIS * 2 ** this.#attempts++, () => this.#attempt());
    const link = links.of(this.#process.machine.name, this.#place.machine);
    if (link.passes) scheduler.after(link.delay(random), () => this.#ask());
  }

  /** Asks the other machine, which answers if it is on. */
  #ask(): void {
    const { links, random, scheduler } = this.#network;
    const { machine, port } = this.#place;
    if (this.#isOver || !this.#network.isOn(machine)) return;
    const listener = this.#network.listenerAt(machine, port);
    const link = links.of(machine, this.#process.machine.name);
    if (listener?.isFull || !link.passes) return;
    const take = () => this.#take(listener);
    scheduler.after(link.delay(random), take, { actor: this.#process, onPaused: take });
  }

  /** Takes the answer. */
  #take(listener: VirtualListener | undefined): void {
    if (this.#isOver) return;
    if (listener === undefined) return this.#fail("no server answers there");
    this.#end();
    const { near } = this.#network.open(this.#process, listener, this.#place.address);
    near.begin();
    this.#network.inTurnOf(this.#process, () => this.#settled.resolve(near));
  }

  #fail(why: string): void {
    this.#end();
    const error = new ConnectionClosedError(`Cannot connect to ${this.#place.address}: ${why}`);
    this.#network.inTurnOf(this.#process, () => this.#settled.reject(error));
  }
}
