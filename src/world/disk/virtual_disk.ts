import type { Random } from "../../base/random.ts";
import type { Files } from "../../base/runtime/runtime.ts";
import { splitPath } from "../../base/files/path.ts";
import { WORLD_BEGINS } from "../runtime/virtual_time.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";
import type { DiskFault } from "./disk_fault.ts";
import { DiskState } from "./disk_state.ts";
import { visit } from "./node.ts";
import { SystemCalls } from "./system_calls.ts";
import { virtualFiles } from "./virtual_files.ts";

/** Options of a {@linkcode VirtualDisk}. */
export interface VirtualDiskOptions {
  /** Name of its machine. */
  readonly name: string;
  readonly scheduler: Scheduler;
  /** Stream of what is left to chance: times of calls, faults, and what a crash keeps. */
  readonly random: Random;
  /** Called with a line when a fault has had an effect, and at each crash. */
  readonly onEvent?: (line: string) => void;
}

/**
 * Disk of a machine, which outlives its processes. It begins with the folder `/tmp` alone; the
 * working folder of each process is `/`.
 *
 * Bytes are safe from crashes when their file has been synced, and a name when its folder has been
 * opened and synced. A killed process loses nothing that was written.
 */
export class VirtualDisk {
  /** Name of its machine. */
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #state: DiskState;

  /** Creates an empty disk. */
  constructor({ name, scheduler, random, onEvent = () => {} }: VirtualDiskOptions) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#state = new DiskState(random, WORLD_BEGINS + Math.round(scheduler.now), onEvent);
    this.#state.tree.makeFolder("/tmp", 0o777, false);
    this.#state.journal.syncAll();
  }

  /** Bytes that its files take up. */
  get usedBytes(): number {
    return this.#state.space.used;
  }

  /** Returns its files for a process, which takes part in nothing any more when it has ended. */
  filesOf(process: VirtualProcess): Files {
    return virtualFiles(new SystemCalls(process, this.#state, this.#scheduler));
  }

  /** Gives it a fault until the result is disposed of. */
  impose(fault: DiskFault): Disposable {
    // Of its own, since the same value may be imposed twice.
    const own = { ...fault }, { faults, space } = this.#state;
    faults.add(own);
    if (own.freeBytes !== undefined) space.limit(own, own.freeBytes);
    return {
      [Symbol.dispose]() {
        faults.remove(own);
        space.lift(own);
      },
    };
  }

  /**
   * Loses what a loss of power loses. All that was synced stays; of the other writes to each file,
   * and of the other changes of the names in each folder, those up to a point that is drawn. The
   * last write that stays may be torn. Files that are open are closed: their processes are killed
   * before.
   */
  crash(): void {
    this.#state.crash();
  }

  /** Reads a file, without a process and without faults; `undefined` if there is none. */
  read(path: string): Uint8Array<ArrayBuffer> | undefined {
    const node = this.#find(path);
    if (node?.kind !== "file") return undefined;
    const bytes = new Uint8Array(node.content.length);
    node.content.read(0, bytes);
    return bytes;
  }

  /** Writes a file, with the folders above it, which is there before any process is started. */
  put(path: string, bytes: Uint8Array): void {
    const { tree, journal, space } = this.#state;
    tree.makeFolder(splitPath(path).folder, 0o755, true);
    const place = tree.place(path), node = place.node ?? tree.makeFile(place, 0o644);
    if (node.kind === "folder") throw new TypeError(`Cannot write ${path}: it is a folder`);
    space.used -= node.content.length;
    node.content.resize(0);
    node.content.write(0, bytes);
    space.used += node.content.length;
    node.content.sync();
    journal.syncAll();
  }

  /** Paths of its files, in the order in which their names were given. */
  get paths(): string[] {
    const paths: string[] = [];
    visit(this.#state.tree.root, "", ({ kind }, path) => {
      if (kind === "file") paths.push(path);
    });
    return paths;
  }

  #find(path: string) {
    try {
      return this.#state.tree.find(path);
    } catch {
      return undefined;
    }
  }
}
