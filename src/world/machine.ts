import type { VirtualDisk } from "./disk/virtual_disk.ts";

/** Machine of a world: an address in its network, a disk, and a wall clock. */
export class Machine {
  /** Name, which is also its address in the network. */
  readonly name: string;
  /** Disk, which outlives the machine's processes. */
  readonly disk: VirtualDisk;
  /** Number of causes for which it has no power. */
  outages = 0;
  /** Milliseconds by which its time of day is ahead of the world's; a fault may change it. */
  wallClockOffset = 0;

  /** Creates a machine. */
  constructor(name: string, disk: VirtualDisk) {
    this.name = name;
    this.disk = disk;
  }

  /** True while it has power. */
  get isOn(): boolean {
    return this.outages === 0;
  }
}
