import { basename } from "node:path";
import { errorMessage } from "../../base/errors.ts";
import { isRecord } from "../../base/json.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { isEvaluated } from "../../dashboard/live_run.ts";
import { RunState } from "../../dashboard/run_state.ts";
import type { RunEntry, RunMessage, RunSource, ShownRun } from "../../dashboard/run_source.ts";
import type { RunView } from "../../dashboard/view.ts";
import type { RoundReport } from "../../round/report/report.ts";
import { CheckpointStore } from "../../store/checkpoint/files/checkpoint_store.ts";
import { readReport } from "../output/report_file.ts";
import { readSettings } from "../run/run_settings.ts";
import { CUT_SHORT, isCutShort } from "../runs/cut_short.ts";
import { isHeld, isRun, markOf } from "../runs/run_marks.ts";
import { isOwnFile, runFiles } from "./run_files.ts";
import { shownSettings } from "./shown_settings.ts";

/** Time in milliseconds between two looks at a run of another process. */
const LOOK_MILLIS = 2000;

/** Largest number of runs in the list. */
const MAX_RUNS = 200;

/** Time in milliseconds for reading runs that the list has not read yet; others are next time. */
const READ_MILLIS = 200;

/** Runs in a folder: each folder in it with a report or with checkpoints. */
export class RunFolders implements RunSource {
  readonly #folder: string;
  /** Entries of runs, with the state of the files that they were read from. */
  readonly #entries = new Map<string, { readonly mark: string; readonly entry: RunEntry }>();

  /** Wraps a folder of runs; it may also be that of one run. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Lists the runs, the newest first. */
  async list(): Promise<RunEntry[]> {
    const names = (await this.#names()).slice(0, MAX_RUNS);
    const until = runtime.clock.now() + READ_MILLIS;
    const entries: RunEntry[] = [];
    // One after the other: reports can be large.
    for (const name of names) entries.push(await this.#entry(name, until));
    return entries;
  }

  /** Returns a run by the name of its folder. */
  async find(id: string): Promise<ShownRun | undefined> {
    return (await this.#names()).includes(id) ? new FolderRun(id, this.#pathOf(id)) : undefined;
  }

  async #names(): Promise<string[]> {
    if (await isRun(this.#folder)) return [basename(this.#folder)];
    const names: string[] = [];
    for await (const { name, isDirectory } of runtime.files.readDir(this.#folder)) {
      if (isDirectory && await isRun(`${this.#folder}/${name}`)) names.push(name);
    }
    return names.sort().reverse();
  }

  #pathOf(name: string): string {
    return basename(this.#folder) === name ? this.#folder : `${this.#folder}/${name}`;
  }

  async #entry(name: string, until: number): Promise<RunEntry> {
    const path = this.#pathOf(name), mark = await markOf(path);
    const known = this.#entries.get(name);
    if (known?.mark === mark) return known.entry;
    if (runtime.clock.now() > until) {
      return known?.entry ?? { id: name, name, strategy: "", stage: "stopped", rounds: 0 };
    }
    const entry = await new FolderRun(name, path).entry();
    this.#entries.set(name, { mark, entry });
    return entry;
  }
}

/** Run of a folder, which may be over or go on in another process. */
class FolderRun implements ShownRun {
  readonly #name: string;
  readonly #path: string;

  constructor(name: string, path: string) {
    this.#name = name;
    this.#path = path;
  }

  /** Returns the run in the list of runs; with the reason where it cannot be shown. */
  async entry(): Promise<RunEntry> {
    const id = this.#name, name = this.#name;
    try {
      const { run, head, points } = await this.view();
      const { accuracy } = points.findLast(isEvaluated) ?? {};
      return {
        ...{ id, name, strategy: run.strategy, stage: head.stage, rounds: head.round },
        ...(accuracy !== undefined && { accuracy }),
      };
    } catch (error) {
      return { id, name, strategy: "", stage: "stopped", rounds: 0, fault: errorMessage(error) };
    }
  }

  async view(): Promise<RunView> {
    return await isOwnFile(`${this.#path}/report.json`)
      ? await this.#viewOfReport()
      : await this.#viewOfCheckpoint();
  }

  async follow(tell: (message: RunMessage) => void): Promise<Disposable> {
    let last = "";
    let isLooking = false;
    const look = async () => {
      if (isLooking) return;
      isLooking = true;
      try {
        const mark = await markOf(this.#path);
        if (mark !== last) tell({ view: await this.view() });
        last = mark;
      } finally {
        isLooking = false;
      }
    };
    await look();
    const timer = runtime.timers.setInterval(() => void look().catch(() => {}), LOOK_MILLIS);
    return { [Symbol.dispose]: () => runtime.timers.clearInterval(timer) };
  }

  files() {
    return runFiles(this.#path);
  }

  async #viewOfReport(): Promise<RunView> {
    const { report } = await readReport(this.#path);
    // A run of an earlier version has none. What is shown of others does not depend on them.
    const kept = await readSettings(this.#path).catch(() => undefined);
    const { plan, seed, transport, strategy } = report;
    const state = new RunState({
      ...{ id: this.#name, name: this.#name, command: kept?.command ?? "", strategy },
      settings: kept?.settings ?? { ...plan, seed, transport },
    });
    state.addRounds(report.rounds);
    state.finish(report);
    if (isCutShort(report, kept)) state.stop(CUT_SHORT);
    return state.view();
  }

  async #viewOfCheckpoint(): Promise<RunView> {
    const checkpoint = await new CheckpointStore(`${this.#path}/checkpoints`).latest();
    if (checkpoint === undefined) throw new Error("there is no whole checkpoint yet");
    const { strategy, notes } = checkpoint.state;
    const flags = isRecord(notes) && isRecord(notes.flags) ? shownSettings(notes.flags) : {};
    const rounds = Number(flags.rounds ?? flags.versions ?? 0);
    const state = new RunState({
      ...{ id: this.#name, name: this.#name, settings: flags },
      command: isRecord(notes) ? `${notes.command}` : "",
      strategy: `${strategy}`,
    }, { rounds });
    const isAlive = await isHeld(this.#path);
    state.addRounds((checkpoint.history ?? []) as RoundReport[]);
    if (isAlive) state.begin();
    else state.stop("its process has ended; it can be resumed");
    return state.view();
  }
}
