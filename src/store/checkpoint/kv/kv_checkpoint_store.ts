/**
 * A server's run in a key-value store, from which it can go on where there is no disk.
 *
 * @module
 */

import { bytesOf } from "../../../base/bytes.ts";
import { digester } from "../../../base/digest.ts";
import { isCount } from "../../../base/is_count.ts";
import { errorMessage, OvertakenError } from "../../../base/errors.ts";
import { isRecord } from "../../../base/json.ts";
import { blankHeader, type CheckpointContent, readCheckpoint, sealedHeader } from "../format.ts";
import {
  bestFirst,
  checkedKeep,
  contentOf,
  hasScore,
  nameOfRound,
  newestFirst,
  superseded,
} from "../retention.ts";
import type { HistoryMark } from "../history.ts";
import { BATCH_CHUNKS, ChunkSource, cut } from "./chunks.ts";
import { type Entry, headOf, isEntry } from "./entries.ts";
import { type HistoryPart, KvFault, KvHistory } from "./kv_history.ts";
import { ReadableKv } from "./readable_kv.ts";
import type { CheckpointKv, KvCommit, KvKey } from "./checkpoint_kv.ts";
import type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "../checkpoints.ts";

const ROOT = "fedlab.checkpoints";
/** A commit takes 1000 changes at most. */
const BATCH_DELETES = 500;

/**
 * Checkpoints in a key-value store, such as Deno KV. Runs of different names are apart.
 *
 * A checkpoint's bytes are those of the file that {@linkcode CheckpointStore} would write, in chunks of 64 KiB, which is the most a value may have; its
 * entry is written last, in one commit. What a process that was stopped left half written is never seen, and is removed by the next `save`. The bytes are
 * checked by SHA-256 digests when they are read. Whoever may read the store can read the clients' session tokens in it.
 *
 * What a checkpoint has of its run's `history` is in chunks of its own, to which each save adds
 * what is new; a process that goes on from an earlier round writes it anew once.
 *
 * One process goes on with a run. Where there are two all the same, each of which has read the run's checkpoint, the first that saves has the run, and `save`
 * of the other fails, however late it comes.
 *
 * @example Run with `--unstable-kv`
 * ```ts
 * /// <reference lib="deno.unstable" />
 * import { KvCheckpointStore, Manifest } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * if ("openKv" in Deno) {
 *   using kv = await Deno.openKv(":memory:");
 *   const store = new KvCheckpointStore(kv, "digits");
 *   const manifest = Manifest.of([{ name: "w", shape: [2] }]);
 *   await store.save({ manifest, parameters: new Float32Array([1, 2]), round: 1, state: { seed: 7 } });
 *   assertEquals((await store.latest())?.state, { seed: 7 });
 * }
 * ```
 */
export class KvCheckpointStore implements Checkpoints {
  /** The run's name. */
  readonly name: string;
  readonly #kv: ReadableKv;
  readonly #keep: number;
  readonly #warn: (message: string) => void;
  readonly #history: KvHistory;
  /** The checkpoint that was saved last as far as this store knows, `null` for none; `undefined` before it has looked. */
  #head: string | null | undefined;
  /** The checkpoint of the last save: the store may have taken it although it said otherwise. */
  #tried: string | undefined;

  /** A store for the run of that name. Throws a `RangeError` for `keep` below 1. */
  constructor(kv: CheckpointKv, name: string, options: CheckpointStoreOptions = {}) {
    const { keep = 3, onWarning = () => {} } = options;
    this.name = name;
    this.#keep = checkedKeep(keep);
    this.#warn = onWarning;
    this.#kv = new ReadableKv(kv, this.#key("none"), onWarning);
    this.#history = new KvHistory(this.#kv, (id) => this.#key("chunk", id));
  }

  /**
   * Writes a checkpoint and gives what it is called, `kv:NAME/round-000012`; then removes those that are not kept. One of the same round is replaced.
   *
   * Rejects as {@linkcode CheckpointStore.save} does, and with an {@linkcode OvertakenError} where
   * another process has saved meanwhile. Those before it are then untouched.
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
      await this.#sweep();
      const sequence = Math.max(0, ...(await this.#list()).map(({ sequence }) => sequence)) + 1;
      const { history } = checkpoint;
      const part = history && await this.#history.plan(history);
      const whole = { ...content, sequence, ...(part && { history: part.mark }) };
      this.#head = await this.#write(whole, part, last.versionstamp);
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
   * The newest whole checkpoint, or nothing; those that are broken, and values that cannot be
   * decoded, are passed over with a warning.
   *
   * Rejects with an `Error` when the store cannot be read.
   */
  async latest(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole(newestFirst);
  }

  /** The checkpoint with the highest score, the newest of equals; otherwise as {@linkcode KvCheckpointStore.latest}. */
  async best(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole(bestFirst, hasScore);
  }

  async #firstWhole(
    order: (a: Entry, b: Entry) => number,
    fits: (one: Entry) => boolean = () => true,
  ): Promise<Checkpoint | undefined> {
    try {
      this.#head = headOf(await this.#kv.get(this.#key("head")));
      for (const one of (await this.#list(this.#warn)).filter(fits).sort(order)) {
        const whole = await this.#attempt(one);
        if (whole !== undefined) return whole;
      }
    } catch (cause) {
      throw new Error(`Cannot read checkpoints in kv:${this.name}: ${errorMessage(cause)}`, {
        cause,
      });
    }
    return undefined;
  }

  /** Reads a checkpoint; what is wrong with its bytes is told, and what is wrong with the store is thrown. */
  async #attempt(one: Entry): Promise<Checkpoint | undefined> {
    const source = new ChunkSource(this.#kv, this.#key("chunk", one.id), one.bytes);
    try {
      const { sequence, history, ...checkpoint } = await readCheckpoint(source);
      if (checkpoint.round === one.round && sequence === one.sequence) {
        return { ...checkpoint, ...(history && { history: await this.#historyOf(one, history) }) };
      }
      this.#passOver(one.round, "expected the one that its entry tells of, got another");
    } catch (cause) {
      if (cause instanceof KvFault) throw cause.cause;
      if (source.fault !== undefined) throw cause;
      this.#passOver(one.round, errorMessage(cause));
    }
    return undefined;
  }

  async #historyOf({ history }: Entry, mark: HistoryMark): Promise<unknown[]> {
    if (history === undefined) throw new SyntaxError("expected its entry to tell of a history");
    const { value } = await this.#kv.get(this.#key("history", history.id)).catch((error) => {
      throw new KvFault(error);
    });
    const isLast = isRecord(value) && value.chunks === history.chunks;
    return await this.#history.read(history, mark, isLast);
  }

  async #list(warn?: (message: string) => void): Promise<Entry[]> {
    const listed: Entry[] = [];
    for await (const { key, value } of this.#kv.list({ prefix: this.#key("whole") })) {
      const round = key.at(-1);
      if (isEntry(value) && value.round === round) listed.push(value);
      else if (warn !== undefined) this.#passOver(round, "expected an entry of this store");
    }
    return listed;
  }

  /** Writes the chunks, makes a checkpoint of them if the one before it is still the last, and gives its id. */
  async #write(
    content: CheckpointContent,
    history: HistoryPart | undefined,
    lastVersion: string | null,
  ): Promise<string> {
    const { round, sequence, score, data } = content;
    const id = this.#tried = crypto.randomUUID();
    const header = cut(blankHeader(content));
    const pieces = data.flatMap((vector) => cut(bytesOf(vector)));
    const all = [...header, ...pieces];
    const chunks = all.length;
    const bytes = all.reduce((sum, { length }) => sum + length, 0);
    const { loose, begin, put } = await this.#begin(id, chunks);
    await put(pieces, header.length);
    const hash = await digester("sha256");
    for (const piece of pieces) hash.update(piece);
    await put(cut(await sealedHeader(content, hash.digest("hex"))), 0);
    const [key, head] = [this.#key("whole", round), this.#key("head")];
    const { value: former, versionstamp: formerVersion } = await this.#kv.getToReplace(key);
    const entry: Entry = {
      ...{ id, chunks, bytes, round, sequence },
      ...(score !== undefined && { score }),
      ...(history && { history: history.entry }),
    };
    const keepHistory = history && await this.#writeHistory(history);
    const commit = begin().check({ key, versionstamp: formerVersion }).set(key, entry)
      .delete(loose).check({ key: head, versionstamp: lastVersion }).set(head, { id });
    if (isEntry(former)) commit.set(this.#key("loose", former.id), { chunks: former.chunks });
    keepHistory?.(commit);
    await finish(commit);
    return id;
  }

  /** Marks chunks as loose until a checkpoint is made of them. */
  async #begin(id: string, chunks: number) {
    const loose = this.#key("loose", id);
    const { versionstamp = null } = await this.#kv.atomic().set(loose, { chunks }).commit();
    // Chunks without that mark would never be found again: no commit goes through once it is gone.
    const begin = () => this.#kv.atomic().check({ key: loose, versionstamp });
    const put = async (pieces: readonly Uint8Array[], first: number) => {
      for (let i = 0; i < pieces.length; i += BATCH_CHUNKS) {
        const commit = begin();
        for (const [j, piece] of pieces.slice(i, i + BATCH_CHUNKS).entries()) {
          commit.set(this.#key("chunk", id, first + i + j), piece);
        }
        await finish(commit);
      }
    };
    return { loose, begin, put };
  }

  /**
   * Writes a history ahead that is too large for one commit; gives what makes it one in the commit
   * of its checkpoint.
   */
  async #writeHistory(part: HistoryPart): Promise<(commit: KvCommit) => void> {
    const { entry, added, first, isNew } = part;
    const row = this.#key("history", entry.id);
    const kept = (commit: KvCommit) => commit.set(row, { chunks: entry.chunks });
    if (!isNew || KvHistory.fits(part)) {
      return (commit) => {
        kept(commit);
        added.forEach((chunk, i) => commit.set(this.#key("chunk", entry.id, first + i), chunk));
      };
    }
    const { loose, put } = await this.#begin(entry.id, entry.chunks);
    await put(added, 0);
    const { versionstamp } = await this.#kv.get(loose);
    if (versionstamp === null) throw overtaken();
    return (commit) => kept(commit).check({ key: loose, versionstamp }).delete(loose);
  }

  /** Removes the checkpoints that are neither new nor the best. */
  async #prune(): Promise<void> {
    for (const { round, id, chunks } of superseded(await this.#list(), this.#keep)) {
      const key = this.#key("whole", round);
      const { value, versionstamp } = await this.#kv.get(key);
      if (!isEntry(value) || value.id !== id) continue;
      await this.#kv.atomic().check({ key, versionstamp }).delete(key)
        .set(this.#key("loose", id), { chunks }).commit();
    }
    await this.#dropHistories();
    await this.#sweep();
  }

  /** Gives up the histories of which no checkpoint is left. */
  async #dropHistories(): Promise<void> {
    const rows = await Array.fromAsync(this.#kv.list({ prefix: this.#key("history") }));
    const used = new Set((await this.#list()).map(({ history }) => history?.id));
    for (const { key, value, versionstamp } of rows) {
      const id = key.at(-1);
      if (typeof id !== "string" || used.has(id) || !isRecord(value) || !isCount(value.chunks)) {
        continue;
      }
      const row = this.#key("history", id);
      await this.#kv.atomic().check({ key: row, versionstamp }).delete(row)
        .set(this.#key("loose", id), { chunks: value.chunks }).commit();
    }
  }

  /** Removes the chunks of which no checkpoint was made, and of those that are removed. */
  async #sweep(): Promise<void> {
    for await (
      const { key, value, versionstamp } of this.#kv.list({ prefix: this.#key("loose") })
    ) {
      const id = key.at(-1);
      if (typeof id !== "string" || !isRecord(value) || !isCount(value.chunks)) continue;
      const loose = this.#key("loose", id);
      // Its version is another from now on, so that a writer who still lives adds nothing more.
      const held = await this.#kv.atomic().check({ key: loose, versionstamp }).set(loose, value)
        .commit();
      if (!held.ok) continue;
      for (let i = 0; i < value.chunks; i += BATCH_DELETES) {
        const commit = this.#kv.atomic();
        const end = Math.min(i + BATCH_DELETES, value.chunks);
        for (let j = i; j < end; j++) commit.delete(this.#key("chunk", id, j));
        await commit.commit();
      }
      await this.#kv.atomic().delete(loose).commit();
    }
  }

  #passOver(round: unknown, reason: string): void {
    this.#warn(`Cannot read checkpoint ${this.#pathOf(round)}: ${reason}; passing it over`);
  }

  #pathOf(round: unknown): string {
    return `kv:${this.name}/${nameOfRound(Number(round))}`;
  }

  #key(...parts: KvKey): KvKey {
    return [ROOT, this.name, ...parts];
  }
}

async function finish(commit: KvCommit): Promise<void> {
  if (!(await commit.commit()).ok) throw overtaken();
}

function overtaken(): OvertakenError {
  return new OvertakenError("another server goes on with this run");
}
