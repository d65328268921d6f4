import { GOOD_LINK, type LinkState } from "./link.ts";
import type { VirtualNetwork } from "./virtual_network.ts";

/** Fault of the links between machines. */
export interface LinkFault {
  /** Machine at which the link begins; `undefined` for every machine. */
  readonly from?: string;
  /** Machine at which it ends; `undefined` for every machine. */
  readonly to?: string;
  /** Change of the link. */
  readonly change: Partial<LinkState>;
}

/** Faults of links that are there at a time. They add up: a link has the worst of each. */
export class LinkFaults {
  readonly #network: VirtualNetwork;
  readonly #machines: readonly string[];
  readonly #faults = new Set<LinkFault>();

  /** Takes the links between some machines over. */
  constructor(network: VirtualNetwork, machines: readonly string[]) {
    this.#network = network;
    this.#machines = machines;
  }

  /** Imposes a fault until the result is disposed of. */
  impose(fault: LinkFault): Disposable {
    const own = { ...fault };
    this.#faults.add(own);
    this.#update(own);
    return {
      [Symbol.dispose]: () => {
        this.#faults.delete(own);
        this.#update(own);
      },
    };
  }

  #update({ from: firstEnd, to: otherEnd }: LinkFault): void {
    for (const from of firstEnd === undefined ? this.#machines : [firstEnd]) {
      for (const to of otherEnd === undefined ? this.#machines : [otherEnd]) {
        if (from !== to) this.#network.setLink(from, to, this.#stateOf(from, to));
      }
    }
  }

  #stateOf(from: string, to: string): LinkState {
    let state = GOOD_LINK;
    for (const fault of this.#faults) {
      if ((fault.from ?? from) !== from || (fault.to ?? to) !== to) continue;
      const { isCut = false, delayMillis = state.delayMillis, bytesPerSecond = Infinity } =
        fault.change;
      state = {
        isCut: state.isCut || isCut,
        delayMillis: delayMillis[1] > state.delayMillis[1] ? delayMillis : state.delayMillis,
        bytesPerSecond: Math.min(state.bytesPerSecond, bytesPerSecond),
      };
    }
    return state;
  }
}
