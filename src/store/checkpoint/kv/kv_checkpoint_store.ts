/**
 * Checkpoints of a run in a key-value store, for where there is no disk.
 *
 * @module
 */

import { runtime } from "../../../base/runtime/runtime.ts";
import { bytesOf } from "../../../base/bytes.ts";
import { digester } from "../../../base/hash.ts";
import { errorMessage, OvertakenError } from "../../../base/errors.ts";
import type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "../checkpoints.ts";
import {
  blankHeader,
  type CheckpointContent,
  contentOf,
  readCheckpoint,
  sealedHeader,
} from "../format.ts";
import {
  checkedKeep,
  type CheckpointOrder,
  firstWhole,
  nameOfRound,
  superseded,
} from "../retention.ts";
import type { CheckpointKv } from "./checkpoint_kv.ts";
import { ChunkSource, cut } from "./chunks.ts";
import { type CheckpointEntry, headOf, isCheckpointEntry } from "./entries.ts";
import { KvAccount } from "./kv_account.ts";
import { type HistoryPart, KvFault, KvHistory } from "./kv_history.ts";
import { finish, type KeyOf, LooseChunks, overtaken } from "./loose_chunks.ts";
import { ReadableKv } from "./readable_kv.ts";

const ROOT = "fedlab.checkpoints";

/**
 * Checkpoints in a key-value store, such as Deno KV. Runs of different names are separate.
 *
 * The bytes of a checkpoint are those of the file that {@linkcode CheckpointStore} would write, in
 * chunks of 64 KiB, the largest size of a value. Its entry is written last, in one commit. What a
 * stopped process has left half written is never read, and the next `save` removes it. The bytes
 * are checked by SHA-256 digests when they are read. Anyone who may read the store can read the
 * clients' session tokens in it.
 *
 * The `history` of a run is in chunks of its own, to which a save adds what is new. A process that
 * resumes from an earlier round writes the whole history once.
 *
 * Only one process may continue a run. Of two that have read its checkpoint, the first to save has
 * the run; `save` of the other then fails, however late it comes.
 *
 * @example Save and restore; needs `--unstable-kv`
 * ```ts
 * /// <reference lib="deno.unstable" />
 * import { KvCheckpointStore, Manifest } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * if ("openKv" in Deno) {
 *   using kv = await Deno.openKv(":memory:");
 *   const store = new KvCheckpointStore(kv, "digits");
 *   const manifest = Manifest.of([{ name: "w", shape: [2] }]);
 *   const parameters = new Float32Array([1, 2]);
 *   await store.save({ manifest, parameters, round: 1, state: { seed: 7 } });
 *   assertEquals((await store.latest())?.state, { seed: 7 });
 * }
 * ```
 */
export class KvCheckpointStore implements Checkpoints {
  /** Name of the run. */
  readonly name: string;
  readonly #key: KeyOf = (...parts) => [ROOT, this.name, ...parts];
  readonly #kv: ReadableKv;
  readonly #keep: number;
  readonly #warn: (message: string) => void;
  readonly #loose: LooseChunks;
  readonly #history: KvHistory;
  readonly #account: KvAccount;
  /** Id of the last known checkpoint, `null` for none; `undefined` before the first look. */
  #head: string | null | undefined;
  /** Id of the last attempt: the store may have taken it although it reported an error. */
  #tried: string | undefined;

  /**
   * Makes a store for the run of a name.
   *
   * @throws {RangeError} If `keep` is below 1.
   */
  constructor(kv: CheckpointKv, name: string, options: CheckpointStoreOptions = {}) {
    const { keep = 3, onWarning = () => {} } = options;
    this.name = name;
    this.#keep = checkedKeep(keep);
    this.#warn = onWarning;
    this.#kv = new ReadableKv(kv, this.#key("none"), onWarning);
    this.#loose = new LooseChunks(this.#kv, this.#key);
    this.#history = new KvHistory(this.#kv, this.#key, this.#loose);
    this.#account = new KvAccount(this.#kv, this.#key, this.#loose, name);
  }

  /**
   * Writes a checkpoint, then removes those that are not kept. One of the same round is replaced.
   * When it cannot be written, the earlier ones stay as they were.
   *
   * @returns Name of the checkpoint, such as `kv:NAME/round-000012`.
   * @throws {OvertakenError} If another process has saved meanwhile.
   * @throws {RangeError | TypeError | Error} As {@linkcode CheckpointStore.save} rejects.
   */
  async save(checkpoint: Checkpoint): Promise<string> {
    const content = contentOf(checkpoint);
    const path = this.#pathOf(content.round);
    try {
      const last = await this.#kv.getToReplace(this.#key("head"));
      const head = headOf(last);
      if (this.#head !== undefined && head !== this.#head && head !== this.#tried) {
        throw overtaken();
      }
      await this.#loose.sweep();
      const sequence = Math.max(0, ...(await this.#list()).map(({ sequence }) => sequence)) + 1;
      const { history, account } = checkpoint;
      const part = history && await this.#history.plan(history);
      const whole = { ...content, sequence, ...(part && { history: part.mark }) };
      this.#head = await this.#write(whole, part, account, last.versionstamp);
      if (history && part) this.#history.written(part, history);
    } catch (cause) {
      const message = `Cannot save checkpoint ${path}: ${errorMessage(cause)}`;
      const Kind = cause instanceof OvertakenError ? OvertakenError : Error;
      throw new Kind(message, { cause });
    }
    await this.#prune().catch((error: unknown) => {
      this.#warn(`Cannot tidy checkpoints in kv:${this.name}: ${errorMessage(error)}`);
    });
    return path;
  }

  /**
   * Gives the newest whole checkpoint, if any. Corrupted ones, and values that cannot be decoded,
   * are skipped with a warning.
   *
   * @throws {Error} If the store cannot be read, or the account beside the checkpoints is damaged.
   */
  async latest(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole("newest");
  }

  /**
   * Gives the whole checkpoint with the highest score, the newest of equals, if any; otherwise as
   * {@linkcode KvCheckpointStore.latest}.
   */
  async best(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole("best");
  }

  async #firstWhole(order: CheckpointOrder): Promise<Checkpoint | undefined> {
    const list = async () => {
      this.#head = headOf(await this.#kv.get(this.#key("head")));
      return await this.#list(this.#warn);
    };
    const reader = { list, read: this.#read.bind(this), account: () => this.#account.read() };
    return await firstWhole(order, `kv:${this.name}`, reader);
  }

  /** Reads a checkpoint. Gives `undefined` for a broken one; rejects when the store has failed. */
  async #read(entry: CheckpointEntry): Promise<Checkpoint | undefined> {
    const source = new ChunkSource(this.#kv, this.#key("chunk", entry.id), entry.bytes);
    try {
      const { sequence, history, ...checkpoint } = await readCheckpoint(source);
      if (checkpoint.round === entry.round && sequence === entry.sequence) {
        if (!history) return checkpoint;
        if (entry.history === undefined) {
          throw new SyntaxError("expected its entry to tell of a history");
        }
        return { ...checkpoint, history: await this.#history.read(entry.history, history) };
      }
      this.#skip(entry.round, "expected the one that its entry tells of, got another");
    } catch (cause) {
      if (cause instanceof KvFault) throw cause.cause;
      if (source.fault !== undefined) throw cause;
      this.#skip(entry.round, errorMessage(cause));
    }
    return undefined;
  }

  async #list(warn?: (message: string) => void): Promise<CheckpointEntry[]> {
    const listed: CheckpointEntry[] = [];
    for await (const { key, value } of this.#kv.list({ prefix: this.#key("whole") })) {
      const round = key.at(-1);
      if (isCheckpointEntry(value) && value.round === round) listed.push(value);
      else if (warn !== undefined) this.#skip(round, "expected an entry of this store");
    }
    return listed;
  }

  /** Writes the chunks and, if no other process has saved, the entry. Gives the id. */
  async #write(
    content: CheckpointContent,
    history: HistoryPart | undefined,
    account: unknown,
    lastVersion: string | null,
  ): Promise<string> {
    const { round, sequence, score, data } = content;
    const id = this.#tried = runtime.random.randomUUID();
    const header = cut(blankHeader(content));
    const pieces = data.flatMap((vector) => cut(bytesOf(vector)));
    const all = [...header, ...pieces], chunks = all.length;
    const bytes = all.reduce((sum, { length }) => sum + length, 0);
    const { mark, begin, put } = await this.#loose.begin(id, chunks);
    await put(pieces, header.length);
    const hash = await digester("sha256");
    for (const piece of pieces) hash.update(piece);
    await put(cut(await sealedHeader(content, hash.digest("hex"))), 0);
    const [key, head] = [this.#key("whole", round), this.#key("head")];
    const { value: old, versionstamp: oldVersion } = await this.#kv.getToReplace(key);
    const entry: CheckpointEntry = {
      ...{ id, chunks, bytes, round, sequence },
      ...(score !== undefined && { score }),
      ...(history && { history: history.entry }),
    };
    const adds = [
      history && await this.#history.write(history),
      account === undefined ? undefined : await this.#account.write(account),
    ];
    const commit = begin().check({ key, versionstamp: oldVersion }).set(key, entry)
      .delete(mark).check({ key: head, versionstamp: lastVersion }).set(head, { id });
    if (isCheckpointEntry(old)) commit.set(this.#loose.markOf(old.id), { chunks: old.chunks });
    for (const add of adds) add?.(commit);
    await finish(commit);
    return id;
  }

  /** Removes the checkpoints that are neither new nor the best. */
  async #prune(): Promise<void> {
    for (const { round, id, chunks } of superseded(await this.#list(), this.#keep)) {
      const key = this.#key("whole", round);
      const { value, versionstamp } = await this.#kv.get(key);
      if (!isCheckpointEntry(value) || value.id !== id) continue;
      await this.#loose.release({ key, versionstamp }, id, chunks);
    }
    await this.#history.releaseUnused(async () =>
      new Set((await this.#list()).map(({ history }) => history?.id))
    );
    await this.#loose.sweep();
  }

  #skip(round: unknown, reason: string): void {
    this.#warn(`Cannot read checkpoint ${this.#pathOf(round)}: ${reason}; passing it over`);
  }

  #pathOf(round: unknown): string {
    return `kv:${this.name}/${nameOfRound(Number(round))}`;
  }
}
