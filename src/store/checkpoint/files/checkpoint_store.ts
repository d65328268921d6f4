/**
 * Checkpoints of a run on disk.
 *
 * @module
 */

import { runtime } from "../../../base/runtime/runtime.ts";
import { splitPath } from "../../../base/files/path.ts";
import type { Checkpoint, Checkpoints, CheckpointStoreOptions } from "../checkpoints.ts";
import {
  isDenied,
  isFolder,
  makeLastingFolder,
  removeUnlocked,
  syncFolder,
  syncFolders,
} from "../../../base/files/folder.ts";
import { errorMessage } from "../../../base/errors.ts";
import { codeOf } from "../../../base/files/os_error.ts";
import {
  readCheckpointFile,
  readHeaderOfFile,
  unreadable,
  writeCheckpoint,
} from "./checkpoint_file.ts";
import { type CheckpointHeader, contentOf } from "../format.ts";
import {
  checkedKeep,
  type CheckpointOrder,
  firstWhole,
  nameOfRound,
  superseded,
} from "../retention.ts";
import { AccountFile } from "./account_file.ts";
import { Descriptors } from "./descriptors.ts";
import { HistoryFile } from "./history_file.ts";

const FILE = /^round-(\d{6,})\.safetensors$/;
/** Form of a temporary file. A living writer holds a lock on its own; others are leftovers. */
const TEMPORARY =
  /^\.(round-\d{6,}(\.safetensors)?|account\.json|history\.jsonl)\.[0-9a-f-]{36}\.tmp$/;
/** File of the reports of the rounds, one per line. */
const HISTORY = "history.jsonl";
/** File of the account that survives the checkpoints. */
const ACCOUNT = "account.json";

/** File of the folder, and its header. */
interface Listed extends CheckpointHeader {
  readonly name: string;
}

/**
 * Folder of checkpoints, each a safetensors file such as `round-000012.safetensors`. Any reader of
 * the format opens them; the state of the run is in the metadata.
 *
 * The `history` of a run is in the file `history.jsonl` beside the checkpoints, with a line of JSON
 * for each round. A save appends what is new, so that the cost of a checkpoint does not grow with
 * the number of rounds. A checkpoint holds the length and the digest of the history. When a run
 * resumes from an earlier round, the next save cuts off the history of later rounds, and their
 * checkpoints are no longer valid.
 *
 * A file is written under a temporary name, synced to the disk and renamed, and holds SHA-256
 * digests of its header and its data: whatever happens to the process, the newest whole checkpoint
 * is found. The newest is the one that was saved last, not the one of the highest round, so that a
 * run can resume from an earlier round. The `account` is in the file `account.json`, which a save
 * replaces. Only the owner may read the files, since a state may hold secrets.
 *
 * Only one process may write to a folder at a time, and a folder holds the checkpoints of one run.
 *
 * @example Save and restore
 * ```ts
 * import { CheckpointStore, Manifest } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new CheckpointStore(await Deno.makeTempDir());
 * const manifest = Manifest.of([{ name: "w", shape: [2] }]);
 * const parameters = new Float32Array([1, 2]);
 * await store.save({ manifest, parameters, round: 1, state: { seed: 7 } });
 * assertEquals((await store.latest())?.state, { seed: 7 });
 * ```
 */
export class CheckpointStore implements Checkpoints {
  /** Path of the folder. */
  readonly folder: string;
  readonly #keep: number;
  readonly #warn: (message: string) => void;
  readonly #descriptors = new Descriptors();
  readonly #history: HistoryFile;
  readonly #account: AccountFile;
  /** Headers by file name, so that a save does not read them again. */
  readonly #known = new Map<string, Listed>();
  #sequence = 0;
  /** Set once the folder, and those above it, are on the disk. */
  #isLasting = false;

  /**
   * Makes a store. The folder is created when the first checkpoint is saved.
   *
   * @throws {RangeError} If `keep` is below 1.
   */
  constructor(folder: string, options: CheckpointStoreOptions = {}) {
    const { keep = 3, onWarning = () => {} } = options;
    this.folder = folder;
    this.#keep = checkedKeep(keep);
    this.#warn = onWarning;
    this.#history = new HistoryFile(`${folder}/${HISTORY}`, this.#descriptors);
    this.#account = new AccountFile(`${folder}/${ACCOUNT}`, this.#descriptors);
  }

  /**
   * Writes a checkpoint, then removes those that are not kept. One of the same round is replaced.
   * When it cannot be written, the earlier ones stay as they were.
   *
   * @returns Path of the file.
   * @throws {RangeError} If the round is no whole number from 0, a vector does not fit the
   * manifest, or a further vector has the name of a tensor.
   * @throws {TypeError} If the state cannot be written as a JSON object.
   * @throws {Error} If the file cannot be written. The message names it.
   */
  async save(checkpoint: Checkpoint): Promise<string> {
    const content = contentOf(checkpoint);
    const name = nameOf(content.round);
    const path = `${this.folder}/${name}`;
    try {
      if (this.#isLasting) await runtime.files.mkdir(this.folder, { recursive: true });
      else await makeLastingFolder(this.folder);
      this.#isLasting = true;
      await this.#removeTemporary();
      const others = await this.#list();
      this.#sequence = Math.max(this.#sequence, ...others.map(({ sequence }) => sequence)) + 1;
      const { manifest, round, score } = content;
      const sequence = this.#sequence;
      // Before the checkpoint, which holds its digest.
      const history = checkpoint.history && await this.#history.write(checkpoint.history);
      const further = { sequence, ...(history && { history }) };
      await writeCheckpoint(path, { ...content, ...further }, this.#descriptors);
      // After the checkpoint, which has the account too: a run that ends in between has lost none.
      if (checkpoint.account !== undefined) await this.#account.write(checkpoint.account);
      const scored = score !== undefined && { score };
      this.#known.set(name, { name, manifest, round, ...further, ...scored });
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
   * Gives the newest whole checkpoint, if any. Truncated, corrupted and foreign files are skipped
   * with a warning.
   *
   * @throws {Error} If the folder or a file may not be read, or the account that lies beside the
   * checkpoints is damaged. The message names it.
   */
  async latest(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole("newest");
  }

  /**
   * Gives the whole checkpoint with the highest score, the newest of equals, if any; otherwise as
   * {@linkcode CheckpointStore.latest}.
   */
  async best(): Promise<Checkpoint | undefined> {
    return await this.#firstWhole("best");
  }

  /** Reserves file descriptors until disposed of, for saves when all others are taken. */
  hold(): Disposable {
    // Before the first save the folder does not exist.
    const { folder } = isFolder(this.folder) ? this : splitPath(this.folder);
    return this.#descriptors.hold(folder);
  }

  /** Reads the files in an order until one is whole; of the others only the header is read. */
  async #firstWhole(order: CheckpointOrder): Promise<Checkpoint | undefined> {
    this.#known.clear();
    // The process before may have ended without that: what is found must stay.
    await syncFolders(this.folder);
    const list = () => this.#removeTemporary().then(() => this.#list(this.#warn));
    const account = () => this.#account.read();
    const read = ({ name }: Listed) => this.#attempt(name, (path) => this.#read(path), this.#warn);
    return await firstWhole(order, this.folder, { list, read, account });
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

  /** Lists the checkpoints of the folder; headers that are known are not read again. */
  async #list(warn?: (message: string) => void): Promise<Listed[]> {
    const listed: Listed[] = [];
    const readHeader = (path: string) => readHeaderOfFile(path, this.#descriptors);
    const { files, links } = await this.#descriptors.entriesIn(this.folder, FILE);
    for (const name of links) this.#skip(name, "expected a regular file, got a link", warn);
    for (const name of files) {
      const header = this.#known.get(name) ?? await this.#attempt(name, readHeader, warn);
      if (header === undefined) continue;
      this.#known.set(name, { ...header, name });
      listed.push({ ...header, name });
    }
    return listed;
  }

  /** Reads a file, or gives `undefined` if its content is not whole. */
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
      // Another save may have removed the file meanwhile.
      if (cause instanceof runtime.errors.NotFound) return undefined;
      // It may be whole all the same, and what was saved must not be lost.
      if (isDenied(cause) || codeOf(cause) !== undefined) throw unreadable(name, cause);
      reason = errorMessage(cause);
    }
    this.#skip(name, reason, warn);
    return undefined;
  }

  #skip(name: string, reason: string, warn?: (message: string) => void): void {
    warn?.(`Cannot read checkpoint ${this.folder}/${name}: ${reason}; passing it over`);
  }

  /** Removes the checkpoints that are neither new nor the best. Other files stay. */
  async #prune(): Promise<void> {
    for (const old of superseded(await this.#list(), this.#keep)) {
      this.#known.delete(old.name);
      await runtime.files.remove(`${this.folder}/${old.name}`).catch((error: unknown) => {
        if (!(error instanceof runtime.errors.NotFound)) throw error;
      });
    }
  }
}

function nameOf(round: number): string {
  return `${nameOfRound(round)}.safetensors`;
}
