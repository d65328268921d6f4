import type { DiskFault } from "../disk/disk_fault.ts";
import type { Federation } from "../federation/federation.ts";
import type { LinkFault } from "../network/link_faults.ts";

/** Fault of a kind, with its machine or link. It is data: a schedule can be printed and read. */
export type Fault =
  /** The process of a machine is killed, and started again after a while. */
  | { readonly kind: "kill"; readonly machine: string }
  /** The process of a machine is told to end, takes its leave, and is started again. */
  | { readonly kind: "stop"; readonly machine: string }
  /** The process of a machine is stopped, and goes on at the end of the fault. */
  | { readonly kind: "pause"; readonly machine: string }
  /** A machine loses its power until the end of the fault. */
  | { readonly kind: "power"; readonly machine: string }
  /** All connections of a machine are reset. */
  | { readonly kind: "reset"; readonly machine: string }
  /** Links are cut, slow or narrow until the end of the fault, in one direction or both. */
  | { readonly kind: "link" } & LinkFault
  /** The time of day of a machine is wrong until the end of the fault, by some milliseconds. */
  | { readonly kind: "clock"; readonly machine: string; readonly millis: number }
  /** A disk is full, slow, wrong or read-only until the end of the fault. */
  | { readonly kind: "disk"; readonly machine: string; readonly fault: DiskFault };

/** Kind of a fault. */
export type FaultKind = Fault["kind"];

/** Fault of a kind. */
type OfKind<Kind extends FaultKind> = Extract<Fault, { readonly kind: Kind }>;

/** Begins a fault, and returns the function that ends it. */
type Begin<Kind extends FaultKind> = (fault: OfKind<Kind>, federation: Federation) => () => void;

const NOTHING = () => {};

/** Faults by kind. Each acts on machines and links; the programs know nothing of it. */
const FAULTS: { readonly [Kind in FaultKind]: Begin<Kind> } = {
  kill({ machine }, federation) {
    federation.processOn(machine)?.kill();
    return NOTHING;
  },
  stop({ machine }, federation) {
    federation.stop(machine);
    return NOTHING;
  },
  pause({ machine }, federation) {
    const process = federation.processOn(machine);
    process?.pause();
    return () => process?.resume();
  },
  power({ machine }, federation) {
    const { world } = federation, it = world.machine(machine);
    world.powerOff(it);
    return () => {
      world.powerOn(it);
      federation.restart(machine);
    };
  },
  reset({ machine }, { world: { network } }) {
    for (const connection of network.connections) {
      if (connection.machines.includes(machine)) network.reset(connection);
    }
    return NOTHING;
  },
  link({ kind: _, ...fault }, { links }) {
    const imposed = links.impose(fault);
    return () => imposed[Symbol.dispose]();
  },
  clock({ machine, millis }, { world }) {
    world.machine(machine).wallClockOffset += millis;
    return () => void (world.machine(machine).wallClockOffset -= millis);
  },
  disk({ machine, fault }, { world }) {
    const imposed = world.machine(machine).disk.impose(fault);
    return () => imposed[Symbol.dispose]();
  },
};

/** Begins a fault in a federation, and returns the function that ends it. */
export function beginFault(fault: Fault, federation: Federation): () => void {
  const begin = FAULTS[fault.kind] as Begin<FaultKind>;
  return begin(fault, federation);
}

/** Describes a fault in a few words. */
export function faultText(fault: Fault): string {
  const { kind, ...rest } = fault;
  return `${kind} ${JSON.stringify(rest)}`;
}
