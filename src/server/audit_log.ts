/**
 * Audit log of a run.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { oneLine } from "../base/printable.ts";
import { errorMessage } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import { VERSION } from "../base/version.ts";
import { LineLimits } from "./line_limits.ts";
import type { ServerEvent } from "../round/report/events.ts";

/** Version of the format of a line. */
const FORMAT = 1;
/** Maximum length of a text in UTF-8 bytes: a peer may have chosen it. */
const MOST_BYTES = 200;
/** Shortest time between two counts of left-out lines. */
const LEFT_OUT_MILLIS = 60_000;

/** Events that are recorded. */
const RECORDED: ReadonlySet<ServerEvent["type"]> = new Set([
  ...["listening", "client-joined", "client-refused", "client-away", "client-lost"] as const,
  ...["update-received", "update-refused", "keys-changed"] as const,
  ...["round-retried", "round-ended", "checkpoint", "stopped", "finished"] as const,
]);
/** Events that a peer can cause as often as it likes. */
const LIMITED: ReadonlySet<ServerEvent["type"]> = new Set([
  ...["client-joined", "client-refused", "client-away", "client-lost", "update-refused"] as const,
]);

/** Options of {@linkcode AuditLog}. */
export interface AuditLogOptions {
  /**
   * Number of clients, which may all come at once. At least 500 lines may be written at once in any
   * case.
   *
   * @default {0}
   */
  clients?: number;
  /** Called once, with one line of text, when the file cannot be written. */
  onWarning?: (message: string) => void;
}

/**
 * Log file with a line of JSON for each client that joins, is refused or leaves, and for each
 * update, round and checkpoint. The file is never truncated, and only its owner can read it (mode
 * 0600). A line has the fields of the {@linkcode ServerEvent}, with texts cut to 200 bytes, and
 * besides `v` (1), `time`, and the `identity` of the client with that `rank`.
 * `docs/RELIABILITY.md` lists them.
 *
 * Events that peers can cause at will are limited, for each kind and rank, to 20 lines at once and
 * 2 per minute, and in all to 500 lines at once and 15 per minute: less than 1 MB per hour. Lines
 * of the type `left-out` count the others. If the file cannot be written, there is one warning, and
 * the run goes on.
 *
 * @example
 * ```ts
 * import { AuditLog } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/audit.jsonl`;
 * {
 *   using audit = new AuditLog(path);
 *   // The option `onEvent` of a server topology.
 *   audit.record({ type: "update-received", round: 1, rank: 2, received: 1, expected: 2 });
 * }
 * const [, line = "null"] = (await Deno.readTextFile(path)).trimEnd().split("\n");
 * assertEquals(JSON.parse(line).rank, 2);
 * ```
 */
export class AuditLog implements Disposable {
  /** Path of the file. */
  readonly path: string;
  readonly #limits: LineLimits;
  readonly #onWarning: (message: string) => void;
  readonly #identities = new Map<Rank, string>();
  #file: Deno.FsFile | undefined;
  #isClosed = false;
  #hasWarned = false;
  /** Set if the file may end with an incomplete line. */
  #isTorn = true;
  /** Number of lines that could not be written. */
  #failed = 0;
  #countedAt = -Infinity;
  /** Lines to write before the first line about a client. */
  #opening: string[] = [];

  /** Creates a log; the file is opened when there is something to write. */
  constructor(path: string, options: AuditLogOptions = {}) {
    const { clients = 0, onWarning = () => {} } = options;
    this.path = path;
    // Each client joins and leaves.
    this.#limits = new LineLimits(4 * clients);
    this.#onWarning = onWarning;
    this.#opening.push(
      lineOf("opened", { agent: `fedlab-deno/${VERSION}`, pid: runtime.process.pid }),
    );
  }

  /** Writes a line about an event, if events of its type are recorded. Never throws. */
  record(event: ServerEvent): void {
    const { type } = event;
    if (this.#isClosed || !RECORDED.has(type)) return;
    if (event.type === "client-joined") this.#identities.set(event.rank, event.identity);
    if (LIMITED.has(type) && !this.#limits.admit(type, "rank" in event ? event.rank : "")) {
      return this.#writeLeftOut();
    }
    const line = lineOf(type, this.#fieldsOf(event));
    // A run without clients leaves no file.
    if (event.type === "listening") this.#opening.push(line);
    else this.#write(line);
    this.#writeLeftOut();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#writeLeftOut(true);
    this.#isClosed = true;
    this.#file?.close();
  }

  #fieldsOf(event: ServerEvent): Record<string, unknown> {
    if (event.type === "round-ended") {
      const { round, received, dropped, refused, tries, losses, loss, accuracy } = event.report;
      const without = losses.map(({ rank }) => rank);
      return { round, received, dropped, refused, tries, without, loss, accuracy };
    }
    if (event.type === "finished") {
      const { rounds, modelDigest } = event.report;
      return { rounds: rounds.length, modelDigest };
    }
    if (event.type === "update-received") {
      // The figures of training are in the report.
      const { loss: _loss, metrics: _metrics, ...rest } = event;
      event = rest;
    }
    const { type: _, ...fields } = event;
    const identity = "rank" in event ? this.#identities.get(event.rank) : undefined;
    return { ...(identity !== undefined && { identity }), ...fields };
  }

  /** Writes the number of lines that were left out, at the end or after some time. */
  #writeLeftOut(isEnd = false): void {
    const now = runtime.clock.now();
    if (!isEnd && now - this.#countedAt < LEFT_OUT_MILLIS) return;
    const counts = this.#limits.takeLeftOut();
    if (counts === undefined) return;
    this.#countedAt = now;
    this.#write(lineOf("left-out", { counts }));
  }

  #write(line: string): void {
    const lines = [...this.#opening, line];
    try {
      this.#file ??= openToAppend(this.path);
      if (this.#isTorn && !endsLine(this.#file)) lines.unshift("\n");
      if (this.#failed > 0) lines.push(lineOf("not-written", { count: this.#failed }));
      this.#isTorn = true;
      const bytes = new TextEncoder().encode(lines.join(""));
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
      this.#isTorn = false;
      this.#opening = [];
      this.#failed = 0;
    } catch (error) {
      this.#failed++;
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      this.#onWarning(
        `Cannot write ${this.path}, the run goes on without it: ${errorMessage(error)}`,
      );
    }
  }
}

function openToAppend(path: string): Deno.FsFile {
  if (isLink(path)) throw new Error("expected a file, got a symbolic link");
  return runtime.files.openSync(path, { read: true, append: true, create: true, mode: 0o600 });
}

function isLink(path: string): boolean {
  try {
    return runtime.files.lstatSync(path).isSymlink;
  } catch (error) {
    if (error instanceof runtime.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Reports whether a file is empty or ends with a complete line: a process that was killed may have
 * left part of one.
 */
function endsLine(file: Deno.FsFile): boolean {
  const { size } = file.statSync();
  if (size === 0) return true;
  const last = new Uint8Array(1);
  file.seekSync(size - 1, runtime.files.SeekMode.Start);
  return file.readSync(last) !== 1 || last[0] === 0x0a;
}

function lineOf(type: string, fields: Readonly<Record<string, unknown>>): string {
  const head = { v: FORMAT, time: new Date(runtime.clock.unixMillis()).toISOString(), type };
  return `${JSON.stringify({ ...head, ...fields }, shorten)}\n`;
}

function shorten(_: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = oneLine(value);
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MOST_BYTES));
  return read < text.length ? `${text.slice(0, read)}…` : text;
}
