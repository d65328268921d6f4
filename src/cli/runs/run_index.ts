import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { basename } from "node:path";
import { runtime } from "../../base/runtime/runtime.ts";
import { SETTINGS } from "../run/run_settings.ts";
import { openDatabase, removeDatabase } from "./database.ts";
import { ORDERS, type RunOrder } from "./orders.ts";
import { readRun } from "./read_run.ts";
import { isHeld, isRun } from "./run_marks.ts";
import type { RoundRow, RunDetails, RunRecord } from "./run_record.ts";

/** Name of the index's file in a folder of runs. */
export const INDEX = ".index.sqlite";

/** Options of {@linkcode RunIndex.open}. */
export interface RunIndexOptions {
  /** Is true to read all runs again. */
  readonly rebuild?: boolean;
  /** Called with a line for an index that is not used as it is. */
  readonly onNotice?: (line: string) => void;
}

/**
 * Index of the runs in a folder, in SQLite. It has nothing that the folders have not, and each
 * {@linkcode RunIndex.update} reads the runs whose files have changed.
 */
export class RunIndex implements Disposable {
  readonly #folder: string;
  readonly #database: DatabaseSync;

  private constructor(folder: string, database: DatabaseSync) {
    this.#folder = folder;
    this.#database = database;
  }

  /** Opens the index of a folder, or makes it, and brings it up to date. */
  static async open(
    folder: string,
    { rebuild = false, onNotice = () => {} }: RunIndexOptions = {},
  ): Promise<RunIndex> {
    const path = `${folder}/${INDEX}`;
    if (rebuild) await removeDatabase(path);
    const index = new RunIndex(folder, await openDatabase(path, onNotice));
    try {
      await index.update();
      return index;
    } catch (error) {
      index[Symbol.dispose]();
      throw error;
    }
  }

  /** Reads the runs that have changed, and forgets those that are gone. */
  async update(): Promise<void> {
    const found = await this.#runs();
    const known = new Map(
      this.#all("SELECT name, mark FROM runs").map(({ name, mark }) => [`${name}`, `${mark}`]),
    );
    for (const name of known.keys()) {
      if (!found.has(name)) this.#run("DELETE FROM runs WHERE name = ?", name);
    }
    for (const [name, path] of found) {
      // Before the files are read: what changes meanwhile is read the next time.
      const mark = await markOf(path);
      if (known.get(name) !== mark) this.#put(await readRun(path), mark);
    }
  }

  /** Lists the runs. */
  list(order: RunOrder = "newest", limit = -1): RunRecord[] {
    const rows = this.#all(`SELECT * FROM runs ORDER BY ${ORDERS[order]} LIMIT ?`, limit);
    return rows.map(recordOf);
  }

  /** Number of the runs. */
  get size(): number {
    return Number(this.#all("SELECT count(*) AS count FROM runs")[0]?.count);
  }

  /** Returns a run with its rounds. */
  find(name: string): RunDetails | undefined {
    const [row] = this.#all("SELECT * FROM runs WHERE name = ?", name);
    if (row === undefined) return undefined;
    const rounds = this.#all("SELECT * FROM rounds WHERE run = ? ORDER BY round", name);
    return { record: recordOf(row), rounds: rounds.map(roundOf) };
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** Folders of runs by name. */
  async #runs(): Promise<Map<string, string>> {
    const folder = this.#folder;
    if (await isRun(folder)) return new Map([[basename(folder), folder]]);
    const runs = new Map<string, string>();
    for await (const { name, isDirectory } of runtime.files.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory && (await isRun(path) || await stateOf(path, SETTINGS) !== "none")) {
        runs.set(name, path);
      }
    }
    return runs;
  }

  #put({ record, rounds }: RunDetails, mark: string): void {
    const { name, settings, facts } = record;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#run("DELETE FROM runs WHERE name = ?", name);
      this.#insert("runs", {
        ...{ ...record, mark, facts: JSON.stringify(facts) },
        settings: settings === undefined ? null : JSON.stringify(settings),
      });
      const seen = new Set<number>();
      for (const round of rounds) {
        if (seen.has(round.round)) continue;
        seen.add(round.round);
        this.#insert("rounds", { ...round, run: name });
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #insert(table: string, values: object): void {
    const given = Object.entries(values);
    const names = given.map(([name]) => name).join(", ");
    const marks = given.map(() => "?").join(", ");
    this.#run(
      `INSERT INTO ${table} (${names}) VALUES (${marks})`,
      ...given.map(([, value]) => value),
    );
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#database.prepare(sql).run(...values);
  }

  #all(sql: string, ...values: (string | number)[]): Record<string, SQLOutputValue>[] {
    return this.#database.prepare(sql).all(...values);
  }
}

/** Describes the state of a run's files: it differs once there is something new to read. */
async function markOf(path: string): Promise<string> {
  const files = ["report.json", SETTINGS, "checkpoints/history.jsonl"];
  const states = await Promise.all(files.map((name) => stateOf(path, name)));
  return [await isHeld(path) ? "alive" : "dead", ...states].join(" ");
}

async function stateOf(path: string, name: string): Promise<string> {
  const info = await runtime.files.lstat(`${path}/${name}`).catch(() => undefined);
  return info?.isFile ? `${info.mtime?.getTime()}/${info.size}` : "none";
}

function recordOf(row: Record<string, SQLOutputValue>): RunRecord {
  const { mark: _, settings, facts, ...others } = row;
  const given = Object.entries(others).filter(([, value]) => value !== null);
  return {
    ...Object.fromEntries(given) as unknown as RunRecord,
    ...(settings !== null && { settings: JSON.parse(`${settings}`) }),
    facts: JSON.parse(`${facts}`),
  };
}

function roundOf(row: Record<string, SQLOutputValue>): RoundRow {
  const { run: _, ...others } = row;
  const given = Object.entries(others).filter(([, value]) => value !== null);
  return Object.fromEntries(given) as unknown as RoundRow;
}
