/** Fault of a disk. Faults add up; each lasts until it is taken away. */
export interface DiskFault {
  /** Bytes that are free when the fault begins; 0 makes the disk full. Removed files give room. */
  readonly freeBytes?: number;
  /** Share of the reads that fail, from 0 to 1. */
  readonly readErrors?: number;
  /** Absolute paths of files that cannot be read, and of folders with all that is in them. */
  readonly unreadable?: readonly string[];
  /** Share of the writes, and of the changes of names, that fail, from 0 to 1. */
  readonly writeErrors?: number;
  /** Share of the syncs that fail; later ones of a file then do nothing, as on Linux. */
  readonly syncErrors?: number;
  /** Set if syncs resolve though nothing is kept for sure. */
  readonly liesAboutSync?: boolean;
  /** Set if nothing can be changed. */
  readonly isReadOnly?: boolean;
  /** Number of files that may be open; what needs another one fails, as for lack of descriptors. */
  readonly mostOpenFiles?: number;
  /** Shortest and longest time of a call in milliseconds; a sync takes 20 times as long. */
  readonly latencyMillis?: readonly [shortest: number, longest: number];
}

/** Time of a call without a fault, in milliseconds. */
const LATENCY = [0.02, 0.2] as const;

/** Faults that a disk has at a time. */
export class DiskFaults {
  readonly #faults = new Set<DiskFault>();
  readErrors = 0;
  writeErrors = 0;
  syncErrors = 0;
  liesAboutSync = false;
  isReadOnly = false;
  mostOpenFiles = Infinity;
  latencyMillis: readonly [shortest: number, longest: number] = LATENCY;
  #unreadable: readonly string[] = [];

  /** Adds a fault. */
  add(fault: DiskFault): void {
    this.#faults.add(fault);
    this.#combine();
  }

  /** Takes a fault away. */
  remove(fault: DiskFault): void {
    this.#faults.delete(fault);
    this.#combine();
  }

  /** Returns true if a fault makes a file or folder unreadable. */
  isUnreadable(path: string): boolean {
    return this.#unreadable.some((bad) => path === bad || path.startsWith(`${bad}/`));
  }

  #combine(): void {
    const all = [...this.#faults];
    this.readErrors = together(all.map(({ readErrors }) => readErrors));
    this.writeErrors = together(all.map(({ writeErrors }) => writeErrors));
    this.syncErrors = together(all.map(({ syncErrors }) => syncErrors));
    this.liesAboutSync = all.some(({ liesAboutSync }) => liesAboutSync);
    this.isReadOnly = all.some(({ isReadOnly }) => isReadOnly);
    this.mostOpenFiles = Math.min(
      ...all.map(({ mostOpenFiles = Infinity }) => mostOpenFiles),
    );
    this.#unreadable = all.flatMap(({ unreadable = [] }) => unreadable);
    // The slowest of them.
    this.latencyMillis = all.map(({ latencyMillis = LATENCY }) => latencyMillis)
      .reduce((a, b) => a[1] >= b[1] ? a : b, LATENCY);
  }
}

/** Returns the share of the calls that fail by at least one of independent causes. */
function together(shares: readonly (number | undefined)[]): number {
  return 1 - shares.reduce<number>((rest, share = 0) => rest * (1 - share), 1);
}
