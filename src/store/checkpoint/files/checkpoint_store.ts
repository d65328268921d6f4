/**
 * A server's run on disk, from which it can go on.
 *
 * @module
 */

import { splitPath } from "../../../base/files/path.ts";
import type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "../checkpoints.ts";
import { isDenied, removeUnlocked, syncFolder } from "../../../base/files/folder.ts";
import { errorMessage } from "../../../base/errors.ts";
import { readCheckpointFile, readHeaderOfFile, writeCheckpoint } from "./checkpoint_file.ts";
import type { CheckpointHeader } from "../format.ts";
import {
  bestFirst,
  checkedKeep,
  contentOf,
  hasScore,
  nameOfRound,
  newestFirst,
  superseded,
} from "../retention.ts";
import { Descriptors } from "./descriptors.ts";
import { HistoryFile } from "./history_file.ts";

const FILE = /^round-(\d{6,})\.safetensors$/;
/** What a process that was killed left half written; a living writer holds a lock on its file. */
const TEMPORARY = /^\.round-\d{6,}(\.safetensors)?\.[0-9a-f-]{36}\.tmp$/;
/** The rounds of the run, a line each. */
const HISTORY = "history.jsonl";

/** A file of the folder and what its header says. */
interface Listed extends CheckpointHeader {
  readonly name: string;
}

/**
 * A folder of checkpoints, one safetensors file each, `round-000012.safetensors`: any reader of the format opens them, and the run's state
 * is in their metadata.
 *
 * What a checkpoint has of its run's `history` is in the file `history.jsonl` beside it, a line of
 * JSON a round, which grows by what is new: a checkpoint costs the same in the first round and in
 * the last. It holds the history's length and digest. A run that goes on from an earlier round cuts
 * off what the history has of later ones; checkpoints of those count no more.
 *
 * A file is written under another name, brought to the disk and renamed, and holds SHA-256 digests of its header and of its data: whatever
 * happens to the process, the newest whole checkpoint is found. The newest is the one saved last, not the one of the highest round, so a
 * run can go on from an earlier round. Files are readable by their owner only, since a state may hold secrets.
 *
 * One process writes to a folder at a time, and the checkpoints in it are one run's.
 *
 * @example
 * ```ts
 * import { CheckpointStore, Manifest } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new CheckpointStore(await Deno.makeTempDir());
 * const manifest = Manifest.of([{ name: "w", shape: [2] }]);
 * await store.save({ manifest, parameters: new Float32Array([1, 2]), round: 1, state: { seed: 7 } });
 * assertEquals((await store.latest())?.state, { seed: 7 });
 * ```
 */
export class CheckpointStore implements Checkpoints {
  /** The folder. */
  readonly folder: string;
  readonly #keep: number;
  readonly #warn: (message: string) => void;
  readonly #descriptors = new Descriptors();
  readonly #history: HistoryFile;
  /** Headers by file name, so that a save does not read those that it knows. */
  readonly #known = new Map<string, Listed>();
  #sequence = 0;

  /** A store in that folder, which is made when the first checkpoint is saved. Throws a `RangeError` for `keep` below 1. */
  constructor(folder: string, options: CheckpointStoreOptions = {}) {
    const { keep = 3, onWarning = () => {} } = options;
    this.folder = folder;
    this.#keep = checkedKeep(keep);
    this.#warn = onWarning;
    this.#history = new HistoryFile(`${folder}/${HISTORY}`, this.#descriptors);
  }

  /**
   * Writes a checkpoint and gives its path; then removes those that are not kept. One of the same round is replaced.
   *
   * Rejects with a `RangeError` for a round that is no whole number from 0, for a vector that does not fit the manifest and for a further one with the
   * name of a tensor, with a `TypeError`
   * for a state that cannot be written as a JSON object, and with an `Error` that names the file when it cannot be written. Those before it are then untouched.
   */
  async save(checkpoint: Checkpoint): Promise<string> {
    const content = contentOf(checkpoint);
    const name = nameOf(content.round);
    const path = `${this.folder}/${name}`;
    try {
      await Deno.mkdir(this.folder, { recursive: true });
      await this.#removeTemporary();
      const others = await this.#list();
      this.#sequence = Math.max(this.#sequence, ...others.map(({ sequence }) => sequence)) + 1;
      const { manifest, round, score } = content;
      const sequence = this.#sequence;
      // First, since the checkpoint tells of it.
      const history = checkpoint.history && await this.#history.write(checkpoint.history);
      const further = { sequence, ...(history && { history }) };
      await writeCheckpoint(path, { ...content, ...further }, this.#descriptors);
      this.#known.set(name, {
        name,
        manifest,
        round,
        ...further,
        ...(score !== undefined && { score }),
      });
    } catch (cause) {
      throw new Error(`Cannot save checkpoint ${path}: ${errorMessage(cause)}`, { cause });
    }
    await syncFolder(this.folder, this.#descriptors.use);
    await this.#prune().catch((error: unknown) => {
      this.#warn(`Cannot tidy checkpoints in ${this.folder}: ${errorMessage(error)}`);
    });
    return path;
  }

  /**
   * The newest whole checkpoint, or nothing; those that are torn, altered or foreign are passed over with a warning.
   *
   * Rejects with an `Error` that names the folder or file when it may not be read.
   */
  async latest(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole(newestFirst);
  }

  /** The checkpoint with the highest score, the newest of equals; otherwise as {@linkcode CheckpointStore.latest}. */
  async best(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole(bestFirst, hasScore);
  }

  /**
   * Holds file descriptors until disposed of, so that checkpoints can be saved when all others are
   * taken.
   */
  hold(): Disposable {
    // Before the first save there is no such folder.
    const isThere = statOf(this.folder)?.isDirectory;
    return this.#descriptors.hold(isThere ? this.folder : splitPath(this.folder).folder);
  }

  /** The first in that order whose bytes are whole; no other is read further than its header. */
  async #firstWhole(
    order: (a: Listed, b: Listed) => number,
    fits: (header: Listed) => boolean = () => true,
  ): Promise<Checkpoint | undefined> {
    this.#known.clear();
    try {
      await this.#removeTemporary();
      const listed = await this.#list(this.#warn);
      for (const { name } of listed.filter(fits).sort(order)) {
        const whole = await this.#attempt(name, (path) => this.#read(path), this.#warn);
        if (whole !== undefined) return whole;
      }
    } catch (cause) {
      throw new Error(`Cannot read checkpoints in ${this.folder}: ${errorMessage(cause)}`, {
        cause,
      });
    }
    return undefined;
  }

  /** Reads a checkpoint and its history, and checks every byte of them. */
  async #read(path: string): Promise<Checkpoint> {
    const { sequence: _, history, ...checkpoint } = await readCheckpointFile(
      path,
      this.#descriptors,
    );
    return { ...checkpoint, ...(history && { history: await this.#history.read(history) }) };
  }

  async #removeTemporary(): Promise<void> {
    await removeUnlocked(this.folder, TEMPORARY, this.#descriptors.entriesIn);
  }

  /** The headers of the folder's checkpoints; those that are known are not read. */
  async #list(warn?: (message: string) => void): Promise<Listed[]> {
    const listed: Listed[] = [];
    const readHeader = (path: string) => readHeaderOfFile(path, this.#descriptors);
    const { files, links } = await this.#descriptors.entriesIn(this.folder, FILE);
    for (const name of links) this.#passOver(name, "expected a regular file, got a link", warn);
    for (const name of files) {
      const header = this.#known.get(name) ?? await this.#attempt(name, readHeader, warn);
      if (header === undefined) continue;
      this.#known.set(name, { ...header, name });
      listed.push({ ...header, name });
    }
    return listed;
  }

  /** Reads of a file what can be read; only where reading is not allowed at all is that an error. */
  async #attempt<Read extends { readonly round: number }>(
    name: string,
    read: (path: string) => Promise<Read>,
    warn?: (message: string) => void,
  ): Promise<Read | undefined> {
    const path = `${this.folder}/${name}`;
    let reason: string;
    try {
      const found = await read(path);
      if (nameOf(found.round) === name) return found;
      reason = `expected it to be of its name's round, got ${found.round}`;
    } catch (cause) {
      if (isDenied(cause)) throw cause;
      // What is gone was removed by another save, and is no fault.
      if (cause instanceof Deno.errors.NotFound) return undefined;
      reason = errorMessage(cause);
    }
    this.#passOver(name, reason, warn);
    return undefined;
  }

  #passOver(name: string, reason: string, warn?: (message: string) => void): void {
    warn?.(`Cannot read checkpoint ${this.folder}/${name}: ${reason}; passing it over`);
  }

  /** Removes the checkpoints that are neither new nor the best. What is not one is left alone. */
  async #prune(): Promise<void> {
    for (const old of superseded(await this.#list(), this.#keep)) {
      this.#known.delete(old.name);
      await Deno.remove(`${this.folder}/${old.name}`).catch((error: unknown) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

function nameOf(round: number): string {
  return `${nameOfRound(round)}.safetensors`;
}
