import type { Rank } from "../base/rank.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport, RunReport } from "../round/report/report.ts";
import { ClientRows } from "./client_rows.ts";
import { eventLine, safeText } from "./event_line.ts";
import { OpenRoundState } from "./open_round.ts";
import { identityOf, roundPoint } from "./from_report.ts";
import {
  type EventLine,
  MAX_EVENTS,
  type RoundPoint,
  type RunHead,
  type RunIdentity,
  type RunStage,
  type RunView,
  type ViewChange,
} from "./view.ts";

/** Largest number of faults that are counted by name. */
const MAX_FAULTS = 50;

/** Name under which faults beyond those are counted. */
const OTHER_FAULTS = "other";

/** State of a run, which its events change, and from which views of it are made. */
export class RunState {
  #run: RunIdentity;
  #stage: RunStage = "joining";
  #note: string | undefined;
  #rounds = 0;
  #updatedAt: number | undefined;
  #report: RunReport | undefined;
  readonly #bytes = { bytesUp: 0, bytesDown: 0, bytesUpWhole: 0, bytesDownWhole: 0 };
  readonly #points: RoundPoint[] = [];
  readonly #clients = new ClientRows();
  readonly #refusals = new Map<string, number>();
  readonly #events: EventLine[] = [];
  #open: OpenRoundState | undefined;

  /** Changes since the last {@linkcode RunState.takeChange}. */
  #changed = {
    isChanged: false,
    isOpenChanged: false,
    points: 0,
    events: [] as EventLine[],
  };

  /** Makes the state of a run before its first event. */
  constructor(run: RunIdentity, { rounds = 0 }: { rounds?: number } = {}) {
    this.#run = run;
    this.#rounds = rounds;
  }

  /** The run. */
  get run(): RunIdentity {
    return this.#run;
  }

  /** The rounds that have ended. */
  get points(): readonly RoundPoint[] {
    return this.#points;
  }

  /** Adds rounds of a run that is resumed. */
  addRounds(reports: readonly RoundReport[]): void {
    for (const report of reports) this.#addRound(report);
    this.#changed.isChanged = true;
  }

  /** Tells that the run goes on, of which there are no events. */
  begin(): void {
    this.#stage = "running";
    this.#changed.isChanged = true;
  }

  /** Changes the state by an event, which must be one that may be told. */
  apply(event: ServerEvent): void {
    const now = runtime.clock.unixMillis();
    this.#updatedAt = now;
    this.#changed.isChanged = true;
    this.#applyByType(event, now);
    const line = eventLine(event, now);
    if (line === undefined) return;
    this.#events.push(line);
    if (this.#events.length > 2 * MAX_EVENTS) this.#events.splice(0, MAX_EVENTS);
    this.#changed.events.push(line);
    if (this.#changed.events.length > 2 * MAX_EVENTS) this.#changed.events.splice(0, MAX_EVENTS);
  }

  /** Returns the whole view. */
  view(): RunView {
    const open = this.#open?.view();
    return {
      schema: "fedlab.view/1",
      run: this.#run,
      head: this.head(),
      ...(open && { open }),
      points: this.#points,
      clients: this.#clients.all,
      events: this.#events.slice(-MAX_EVENTS),
    };
  }

  /** Returns what has changed since the last call; `undefined` for nothing. */
  takeChange(): ViewChange | undefined {
    const changed = this.#changed;
    if (!changed.isChanged) return undefined;
    const clients = this.#clients.takeChanged();
    this.#changed = {
      isChanged: false,
      isOpenChanged: false,
      points: this.#points.length,
      events: [],
    };
    return {
      head: this.head(),
      ...(changed.isOpenChanged && { open: this.#open?.view() ?? null }),
      ...(changed.points < this.#points.length && { points: this.#points.slice(changed.points) }),
      ...(clients.length > 0 && { clients }),
      ...(changed.events.length > 0 && { events: changed.events.slice(-MAX_EVENTS) }),
    };
  }

  /** Returns the state without its lists. */
  head(): RunHead {
    const report = this.#report;
    return {
      stage: this.#stage,
      ...(this.#note !== undefined && { note: this.#note }),
      rounds: this.#rounds,
      round: this.#points.at(-1)?.round ?? 0,
      ...this.#bytes,
      refusals: Object.fromEntries(this.#refusals),
      ...this.#clients.counts,
      ...(this.#updatedAt !== undefined && { updatedAt: this.#updatedAt }),
      ...(report?.best && { best: report.best }),
      ...(report?.final && { final: report.final }),
      ...(report?.privacy && { privacy: report.privacy }),
      ...(report && { modelDigest: report.modelDigest }),
    };
  }

  #applyByType(event: ServerEvent, now: number): void {
    switch (event.type) {
      case "joining":
        this.#note = safeText(event.progress);
        return;
      case "client-joined": {
        const name = event.name ?? event.site;
        return this.#clients.set(event.rank, {
          state: "present",
          identity: event.identity,
          address: safeText(event.address),
          agent: safeText(event.agent),
          ...(name !== undefined && { name: safeText(name) }),
          ...(event.numSamples !== undefined && { samples: event.numSamples }),
        });
      }
      case "round-started":
        this.#stage = "running";
        this.#note = undefined;
        this.#rounds = event.rounds;
        this.#open = new OpenRoundState(event.round, event.cohort, now);
        this.#changed.isOpenChanged = true;
        return;
      case "update-received": {
        const { rank, round, loss, metrics, numSamples } = event;
        this.#mark(rank, "r");
        this.#open?.count(event.received, event.expected);
        const { received = 0 } = this.#clients.get(rank) ?? {};
        return this.#clients.set(rank, {
          ...{ round, received: received + 1 },
          ...(this.#open && { seconds: this.#open.secondsAt(now) }),
          ...(loss !== undefined && { loss }),
          ...(metrics && { metrics }),
          ...(numSamples !== undefined && { samples: numSamples }),
        });
      }
      case "evaluated": {
        const { rank, loss, accuracy } = event;
        return this.#clients.set(rank, {
          ...(loss !== undefined && { loss }),
          ...(accuracy !== undefined && { accuracy }),
        });
      }
      case "update-refused": {
        this.#mark(event.rank, "x");
        this.#countRefusal(event.fault);
        const { refused = 0 } = this.#clients.get(event.rank) ?? {};
        return this.#clients.set(event.rank, {
          refused: refused + 1,
          trouble: safeText(event.message),
        });
      }
      case "client-refused":
        return this.#countRefusal(event.fault ?? "connection lost");
      case "client-away":
        this.#mark(event.rank, "a");
        return this.#clients.set(event.rank, { state: "away", trouble: safeText(event.reason) });
      case "client-lost":
        this.#mark(event.rank, "a");
        return this.#clients.set(event.rank, { state: "left", trouble: safeText(event.reason) });
      case "round-ended":
        this.#open = undefined;
        this.#changed.isOpenChanged = true;
        return this.#addRound(event.report);
      case "stopped":
        this.#stage = "stopped";
        this.#note = safeText(event.reason);
        return;
      case "finished":
        return this.finish(event.report);
    }
  }

  /** Takes the report of a run that has ended. */
  finish(report: RunReport): void {
    this.#stage = "finished";
    this.#note = report.stopped?.reason;
    this.#report = report;
    this.#rounds = Math.max(this.#rounds, report.rounds.length);
    this.#run = identityOf(this.#run, report);
    this.#changed.isChanged = true;
  }

  #addRound(report: RoundReport): void {
    this.#points.push(roundPoint(report));
    this.#bytes.bytesUp += report.bytesUp;
    this.#bytes.bytesDown += report.bytesDown;
    this.#bytes.bytesUpWhole += report.bytesUpWhole ?? report.bytesUp;
    this.#bytes.bytesDownWhole += report.bytesDownWhole ?? report.bytesDown;
  }

  #mark(rank: Rank, state: string): void {
    this.#open?.mark(rank, state);
    this.#changed.isOpenChanged = true;
  }

  #countRefusal(fault: string): void {
    const name = this.#refusals.has(fault) || this.#refusals.size < MAX_FAULTS
      ? safeText(fault)
      : OTHER_FAULTS;
    this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
  }
}
