/**
 * A server's run on disk, from which it can go on.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { errorMessage } from "../errors.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { bytesOf, readSafetensors, writeSafetensors } from "./safetensors.ts";

const FILE = /^round-(\d{6,})\.safetensors$/;
const TEMPORARY = /^\.round-\d{6,}\.[0-9a-f-]{36}\.tmp$/;

/** A run as it stands after a round. */
export interface Checkpoint {
  /** What the vector holds. */
  readonly manifest: Manifest;
  /** The global vector. */
  readonly parameters: ParameterVector;
  /** The round after which it stands, from 0. */
  readonly round: number;
  /** What else there is to know of the run; anything that can be written as JSON. */
  readonly state: Readonly<Record<string, unknown>>;
  /** How good the model is, higher is better; the best one is kept. */
  readonly score?: number;
}

/** Options of {@linkcode CheckpointStore}. */
export interface CheckpointStoreOptions {
  /** How many of the newest are kept, besides the best one; at least 1. Default 3. */
  keep?: number;
  /** Told, in one line each, of files that cannot be used. */
  onWarning?: (message: string) => void;
}

/**
 * A folder of checkpoints, one safetensors file each, `round-000012.safetensors`: any reader of the format opens them, and the run's state is in their
 * metadata.
 *
 * A file is written under another name, brought to the disk and renamed, and holds a digest of all that is in it: whatever happens to the process,
 * the newest whole checkpoint is found.
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
  /** Scores by round, of files that this store wrote or read. */
  readonly #scores = new Map<number, number | undefined>();

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
   * Writes a checkpoint and gives its path; then removes those that are not kept. The ones before it are untouched when it cannot be written.
   *
   * Rejects with an error of one line that names the folder.
   */
  async save(checkpoint: Checkpoint): Promise<string> {
    const { manifest, parameters, round, state, score } = checkpoint;
    const name = `round-${String(round).padStart(6, "0")}`;
    const temporary = `${this.folder}/.${name}.${crypto.randomUUID()}.tmp`;
    const path = `${this.folder}/${name}.safetensors`;
    const text = JSON.stringify(state);
    try {
      await Deno.mkdir(this.folder, { recursive: true });
      await this.#removeTemporary();
      await writeSafetensors(temporary, {
        manifest,
        parameters,
        metadata: {
          round: String(round),
          state: text,
          ...(score !== undefined && { score: String(score) }),
          digest: await digestOf(checkpoint, text),
        },
      });
      await Deno.rename(temporary, path);
      await syncFolder(this.folder);
    } catch (cause) {
      await Deno.remove(temporary).catch(() => {});
      throw new Error(`Cannot write a checkpoint in ${this.folder}: ${errorMessage(cause)}`, {
        cause,
      });
    }
    this.#scores.set(round, score);
    await this.#prune();
    return path;
  }

  /** The newest whole checkpoint; those that are torn, altered or foreign are passed over with a warning. */
  async latest(): Promise<Checkpoint | undefined> {
    for (const round of (await this.#rounds()).reverse()) {
      const checkpoint = await this.#read(round);
      if (checkpoint !== undefined) return checkpoint;
    }
    return undefined;
  }

  /** The checkpoint with the highest score, the newest of equals. */
  async best(): Promise<Checkpoint | undefined> {
    let best: Checkpoint | undefined;
    for (const round of await this.#rounds()) {
      const checkpoint = await this.#read(round);
      if (checkpoint?.score !== undefined && checkpoint.score >= (best?.score ?? -Infinity)) {
        best = checkpoint;
      }
    }
    return best;
  }

  /** Rounds of the files that are there, in order. */
  async #rounds(): Promise<number[]> {
    const rounds: number[] = [];
    try {
      for await (const { name, isFile } of Deno.readDir(this.folder)) {
        const round = FILE.exec(name)?.[1];
        if (isFile && round !== undefined) rounds.push(Number(round));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return rounds.sort((a, b) => a - b);
  }

  #path(round: number): string {
    return `${this.folder}/round-${String(round).padStart(6, "0")}.safetensors`;
  }

  async #read(round: number): Promise<Checkpoint | undefined> {
    const path = this.#path(round);
    try {
      const { manifest, parameters, metadata } = await readSafetensors(path);
      const { state: text, score, digest } = metadata;
      if (text === undefined || digest === undefined || metadata.round !== String(round)) {
        throw new SyntaxError(`Cannot read ${path}: expected a checkpoint of round ${round}`);
      }
      const checkpoint: Checkpoint = {
        manifest,
        parameters,
        round,
        state: JSON.parse(text),
        ...(score !== undefined && { score: Number(score) }),
      };
      if (await digestOf(checkpoint, text) !== digest) {
        throw new SyntaxError(`Cannot read ${path}: it was altered after it was written`);
      }
      this.#scores.set(round, checkpoint.score);
      return checkpoint;
    } catch (error) {
      this.#warn(`${errorMessage(error)}; passing it over`);
      return undefined;
    }
  }

  /** Removes what is neither new nor the best. */
  async #prune(): Promise<void> {
    const rounds = await this.#rounds();
    const old = rounds.slice(0, -this.#keep);
    if (old.length === 0) return;
    for (const round of old) if (!this.#scores.has(round)) await this.#read(round);
    const score = (round: number) => this.#scores.get(round) ?? -Infinity;
    const best = rounds.reduce((one, other) => score(other) >= score(one) ? other : one);
    for (const round of old) {
      if (round === best && score(best) > -Infinity) continue;
      await Deno.remove(this.#path(round)).catch((error) => this.#warn(errorMessage(error)));
      this.#scores.delete(round);
    }
  }

  /** Removes what a process that was killed left half written. */
  async #removeTemporary(): Promise<void> {
    for await (const { name } of Deno.readDir(this.folder)) {
      if (TEMPORARY.test(name)) await Deno.remove(`${this.folder}/${name}`).catch(() => {});
    }
  }
}

/** SHA-256 over all that a checkpoint says; its vector is not copied for it. */
async function digestOf(
  { manifest, parameters, round, score }: Checkpoint,
  state: string,
): Promise<string> {
  const head = JSON.stringify([round, score ?? null, state, await manifest.digest()]);
  return createHash("sha256").update(head).update(bytesOf(parameters)).digest("hex");
}

/** Brings the folder's entries to the disk, where the system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder, { read: true });
    await handle.sync();
  } catch { /* the file's own bytes are on the disk in any case */ }
}
