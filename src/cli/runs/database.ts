import type { DatabaseSync } from "node:sqlite";
import { codeOf } from "../../base/files/os_error.ts";
import { errorMessage } from "../../base/errors.ts";
import { isDenied } from "../../base/files/folder.ts";
import { runtime } from "../../base/runtime/runtime.ts";

/** Mark of an index of runs among SQLite files: "fedl" in ASCII. */
const APPLICATION = 0x6665646c;

/** Version of the tables. */
const VERSION = 1;

/** Milliseconds to wait for another process that writes. */
const BUSY_MILLIS = 10_000;

const TABLES = `
  CREATE TABLE runs (
    name TEXT PRIMARY KEY, mark TEXT NOT NULL, command TEXT, began TEXT, strategy TEXT NOT NULL,
    stage TEXT NOT NULL, rounds INTEGER NOT NULL, metric TEXT, score REAL, best REAL, loss REAL,
    bytesUp REAL NOT NULL, bytesDown REAL NOT NULL, seconds REAL NOT NULL, digest TEXT,
    settings TEXT, facts TEXT NOT NULL, fault TEXT
  ) STRICT;
  CREATE TABLE rounds (
    run TEXT NOT NULL REFERENCES runs (name) ON DELETE CASCADE, round REAL NOT NULL,
    score REAL, loss REAL, bytesUp REAL NOT NULL, bytesDown REAL NOT NULL,
    seconds REAL NOT NULL, PRIMARY KEY (run, round)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${VERSION};
`;

/** State of a file that an index can be in. */
type State = "empty" | "ours" | "earlier" | "later" | "foreign";

/**
 * Opens the SQLite file of an index, or makes it. All that it has is in the folders of the runs
 * too: a damaged file or one of an earlier version is made again. A file of a later version or of
 * another program stays as it is, and the index is made in memory; so it is where the folder cannot
 * be written.
 *
 * @param onNotice Called with a line for each file that is not used as it is.
 */
export async function openDatabase(
  path: string,
  onNotice: (line: string) => void,
): Promise<DatabaseSync> {
  try {
    const database = await open(path);
    const state = stateOf(database);
    if (state === "ours") return database;
    if (state === "empty") return made(database);
    database.close();
    if (state === "later") return await passedOver(path, "of a later version", onNotice);
    if (state === "foreign") return await passedOver(path, "no index of runs", onNotice);
    onNotice(`${path} is of an earlier version: it is made again from the folders of the runs`);
  } catch (error) {
    if (isDenied(error) || isUnwritable(error)) return made(await open(":memory:"));
    if (codeOf(error) !== "ERR_SQLITE_ERROR") throw error;
    const reason = errorMessage(error);
    if (reason.includes("not a database")) {
      return await passedOver(path, "no index of runs", onNotice);
    }
    onNotice(`${path} is damaged (${reason}): it is made again from the folders of the runs`);
  }
  await removeDatabase(path);
  return made(await open(path));
}

/** Tells of a file that stays as it is, and makes the index in memory. */
async function passedOver(
  path: string,
  what: string,
  onNotice: (line: string) => void,
): Promise<DatabaseSync> {
  onNotice(`${path} is ${what}: it stays as it is, and is not used; --rebuild replaces it`);
  return made(await open(":memory:"));
}

/** Removes the file of an index and what SQLite keeps beside it. */
export async function removeDatabase(path: string): Promise<void> {
  for (const end of ["", "-journal"]) {
    await runtime.files.remove(path + end).catch((error: unknown) => {
      if (!(error instanceof runtime.errors.NotFound)) throw error;
    });
  }
}

async function open(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  // Without waiting for the disk: an index that a power failure has damaged is made again.
  database.exec(
    `PRAGMA busy_timeout = ${BUSY_MILLIS}; PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF`,
  );
  return database;
}

function made(database: DatabaseSync): DatabaseSync {
  database.exec("BEGIN IMMEDIATE");
  // Another process may have made the tables meanwhile.
  if (stateOf(database) === "empty") database.exec(TABLES);
  database.exec("COMMIT");
  return database;
}

function stateOf(database: DatabaseSync): State {
  const number = (pragma: string) => Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
  const check = database.prepare("PRAGMA quick_check(1)").get()?.quick_check;
  if (check !== "ok") throw Object.assign(new Error(`${check}`), { code: "ERR_SQLITE_ERROR" });
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count;
  const application = number("application_id"), version = number("user_version");
  if (tables === 0 && application === 0) return "empty";
  if (application !== APPLICATION) return "foreign";
  return version === VERSION ? "ours" : version > VERSION ? "later" : "earlier";
}

/** Tells whether SQLite could not open or write a file for lack of rights or room. */
function isUnwritable(error: unknown): boolean {
  return /unable to open|readonly|read-only|disk is full/.test(errorMessage(error));
}
