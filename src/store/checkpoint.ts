/**
 * A server's run on disk, from which it can go on.
 *
 * @module
 */

import { errorMessage } from "../errors.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import {
  type CheckpointHeader,
  readCheckpoint,
  readCheckpointHeader,
  withVectors,
  writeCheckpoint,
} from "./_checkpoint_file.ts";
import { isDenied, namesIn, removeUnlocked, syncFolder } from "./_folder.ts";

const FILE = /^round-(\d{6,})\.safetensors$/;
/** What a process that was killed left half written; a living writer holds a lock on its file. */
const TEMPORARY = /^\.round-\d{6,}\.[0-9a-f-]{36}\.tmp$/;

/** A run as it stands after a round. */
export interface Checkpoint {
  /** What the vector holds. */
  readonly manifest: Manifest;
  /** The global vector. It must not change while it is saved. */
  readonly parameters: ParameterVector;
  /** Further vectors by name, of any length, kept as tensors beside the model's. They must not change either while they are saved. */
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
  /** The round after which it stands, from 0. */
  readonly round: number;
  /** What else there is to know of the run; anything that can be written as JSON. */
  readonly state: Readonly<Record<string, unknown>>;
  /** How good the model is, higher is better; the best one is kept. Not a number counts as none. */
  readonly score?: number;
}

/** Options of {@linkcode CheckpointStore}. */
export interface CheckpointStoreOptions {
  /** How many of the newest are kept, besides the best one; at least 1. Default 3. */
  keep?: number;
  /** Told, in one line each, of files that cannot be used. */
  onWarning?: (message: string) => void;
}

/** A file of the folder and what its header says. */
interface Listed extends CheckpointHeader {
  readonly name: string;
}

/**
 * A folder of checkpoints, one safetensors file each, `round-000012.safetensors`: any reader of the format opens them, and the run's state
 * is in their metadata.
 *
 * A file is written under another name, brought to the disk and renamed, and holds SHA-256 digests of its header and of its data: whatever
 * happens to the process, the newest whole checkpoint is found. The newest is the one saved last, not the one of the highest round, so a
 * run can go on from an earlier round. Files are readable by their owner only, since a state may hold secrets.
 *
 * One process writes to a folder at a time; a second one does no harm to whole checkpoints, but each removes what the other no longer keeps.
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
export class CheckpointStore {
  /** The folder. */
  readonly folder: string;
  readonly #keep: number;
  readonly #warn: (message: string) => void;
  /** Headers by file name, so that a save does not read those that it knows. */
  readonly #known = new Map<string, Listed>();
  #sequence = 0;

  /** A store in that folder, which is made when the first checkpoint is saved. Throws a `RangeError` for `keep` below 1. */
  constructor(folder: string, options: CheckpointStoreOptions = {}) {
    const { keep = 3, onWarning = () => {} } = options;
    if (!Number.isSafeInteger(keep) || keep < 1) {
      throw new RangeError(
        `Cannot make a checkpoint store: expected to keep at least 1, got ${keep}`,
      );
    }
    this.folder = folder;
    this.#keep = keep;
    this.#warn = onWarning;
  }

  /**
   * Writes a checkpoint and gives its path; then removes those that are not kept. One of the same round is replaced.
   *
   * Rejects with a `RangeError` for a round that is no whole number from 0, for a vector that does not fit the manifest and for a further one with the
   * name of a tensor, with a `TypeError`
   * for a state that cannot be written as a JSON object, and with an `Error` that names the file when it cannot be written. Those before it are then untouched.
   */
  async save(checkpoint: Checkpoint): Promise<string> {
    const { manifest, parameters, vectors = {}, round, score } = checkpoint;
    if (!Number.isSafeInteger(round) || round < 0) {
      throw new RangeError(
        `Cannot save a checkpoint: expected a round that is a whole number from 0, got ${round}`,
      );
    }
    manifest.check(parameters);
    const tensors = withVectors(manifest, vectors);
    const stateText = stringify(checkpoint.state);
    const name = nameOf(round);
    const path = `${this.folder}/${name}`;
    const temporary = `${this.folder}/.round-${padded(round)}.${crypto.randomUUID()}.tmp`;
    try {
      await Deno.mkdir(this.folder, { recursive: true });
      await removeUnlocked(this.folder, TEMPORARY);
      const others = await this.#list();
      this.#sequence = Math.max(this.#sequence, ...others.map(({ sequence }) => sequence)) + 1;
      const header = {
        manifest,
        round,
        sequence: this.#sequence,
        ...(score !== undefined && !Number.isNaN(score) && { score }),
      };
      const rename = () => Deno.rename(temporary, path);
      const data = [parameters, ...Object.values(vectors)];
      await writeCheckpoint(temporary, { ...header, tensors, data, stateText }, rename);
      this.#known.set(name, { ...header, name });
    } catch (cause) {
      await Deno.remove(temporary).catch(() => {});
      throw new Error(`Cannot save checkpoint ${path}: ${errorMessage(cause)}`, { cause });
    }
    await syncFolder(this.folder);
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
    return await this.#firstWhole(byAge);
  }

  /** The checkpoint with the highest score, the newest of equals; otherwise as {@linkcode CheckpointStore.latest}. */
  async best(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole((a, b) => byScore(a, b) || byAge(a, b), hasScore);
  }

  /** The first in that order whose bytes are whole; no other is read further than its header. */
  async #firstWhole(
    order: (a: Listed, b: Listed) => number,
    fits: (header: Listed) => boolean = () => true,
  ): Promise<Checkpoint | undefined> {
    this.#known.clear();
    try {
      await removeUnlocked(this.folder, TEMPORARY);
      const listed = await this.#list(this.#warn);
      for (const { name } of listed.filter(fits).sort(order)) {
        const whole = await this.#attempt(name, readCheckpoint, this.#warn);
        if (whole === undefined) continue;
        const { sequence: _, ...checkpoint } = whole;
        return checkpoint;
      }
    } catch (cause) {
      throw new Error(`Cannot read checkpoints in ${this.folder}: ${errorMessage(cause)}`, {
        cause,
      });
    }
    return undefined;
  }

  /** The headers of the folder's checkpoints; those that are known are not read. */
  async #list(warn?: (message: string) => void): Promise<Listed[]> {
    const listed: Listed[] = [];
    for (const name of await namesIn(this.folder, FILE)) {
      const header = this.#known.get(name) ?? await this.#attempt(name, readCheckpointHeader, warn);
      if (header === undefined) continue;
      this.#known.set(name, { ...header, name });
      listed.push({ ...header, name });
    }
    return listed;
  }

  /** Reads of a file what can be read; only where reading is not allowed at all is that an error. */
  async #attempt<Read extends CheckpointHeader>(
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
    warn?.(`Cannot read checkpoint ${path}: ${reason}; passing it over`);
    return undefined;
  }

  /** Removes the checkpoints that are neither new nor the best. What is not one is left alone. */
  async #prune(): Promise<void> {
    const listed = (await this.#list()).sort(byAge);
    const best = listed.filter(hasScore).sort((a, b) => byScore(a, b) || byAge(a, b))[0];
    for (const old of listed.slice(this.#keep)) {
      if (old === best) continue;
      this.#known.delete(old.name);
      await Deno.remove(`${this.folder}/${old.name}`).catch((error: unknown) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

function padded(round: number): string {
  return String(round).padStart(6, "0");
}

function nameOf(round: number): string {
  return `round-${padded(round)}.safetensors`;
}

function byAge(a: Listed, b: Listed): number {
  return b.sequence - a.sequence || b.round - a.round;
}

function byScore(a: Listed, b: Listed): number {
  const [x = 0, y = 0] = [a.score, b.score];
  return x === y ? 0 : x > y ? -1 : 1;
}

function hasScore({ score }: Listed): boolean {
  return score !== undefined;
}

function stringify(state: unknown): string {
  const where = "Cannot save a checkpoint: expected a state that can be written as a JSON object";
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (cause) {
    throw new TypeError(`${where}: ${errorMessage(cause)}`, { cause });
  }
  if (!text?.startsWith("{")) throw new TypeError(`${where}, got ${text?.slice(0, 40)}`);
  return text;
}
