import type { Rank } from "../base/rank.ts";
import type { EndStep, Step } from "../base/tracer.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport, RunReport } from "../round/report/report.ts";
import { ClientRows } from "./client_rows.ts";
import { eventLine, safeText } from "./event_line.ts";
import { noChanges } from "./noted_changes.ts";
import { OpenRoundState } from "./open_round.ts";
import { RefusalCounts } from "./refusal_counts.ts";
import { identityOf, roundPoint } from "./from_report.ts";
import { SpentPrivacy } from "./spent_privacy.ts";
import {
  type EventLine,
  MAX_EVENTS,
  type RoundPoint,
  type RunHead,
  type RunIdentity,
  type RunStage,
  type RunStateOptions,
  type RunView,
  type ViewChange,
} from "./view.ts";

/** State of a run, which its events change, and from which views of it are made. */
export class RunState {
  #run: RunIdentity;
  #stage: RunStage = "joining";
  #note: string | undefined;
  #isPaused = false;
  #rounds = 0;
  #updatedAt: number | undefined;
  #report: RunReport | undefined;
  readonly #spent: SpentPrivacy;
  readonly #bytes = { bytesUp: 0, bytesDown: 0, bytesUpWhole: 0, bytesDownWhole: 0 };
  readonly #points: RoundPoint[] = [];
  readonly #clients = new ClientRows();
  readonly #refusals = new RefusalCounts();
  readonly #events: EventLine[] = [];
  #open: OpenRoundState | undefined;
  /** Changes since the last {@linkcode RunState.takeChange}. */
  #changed = noChanges(0);

  /** Makes the state of a run before its first event. */
  constructor(run: RunIdentity, { rounds = 0, privacy = () => undefined }: RunStateOptions = {}) {
    this.#run = run;
    this.#rounds = rounds;
    this.#spent = new SpentPrivacy(privacy);
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

  /** Tells that the run has stopped before its end, of which there are no events. */
  stop(reason: string): void {
    this.#stage = "stopped";
    this.#isPaused = false;
    this.#note = safeText(reason);
    this.#changed.isChanged = true;
  }

  /** Tells whether further rounds wait until someone lets the run go on. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
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

  /**
   * Observes a step: when the update of a client begins to come and when it is whole, which is
   * before the event, since updates are told of in the order of the ranks.
   */
  observe({ name, round, rank }: Step): EndStep {
    const open = this.#open;
    if (name !== "receive" || rank === undefined || open?.round !== round) return () => {};
    const began = runtime.clock.unixMillis();
    this.#mark(rank, "u");
    return (error) => {
      if (open !== this.#open) return;
      this.#mark(rank, error === undefined ? "i" : ".");
      if (error !== undefined || !open.arrive(rank)) return;
      const now = runtime.clock.unixMillis();
      this.#clients.addTime(rank, open.secondsAt(now), Math.max(0, now - began) / 1000);
    };
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
    this.#changed = noChanges(this.#points.length);
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
    const report = this.#report,
      privacy = report?.privacy ?? this.#spent.after(this.#points.length);
    return {
      stage: this.#stage,
      ...(this.#note !== undefined && { note: this.#note }),
      ...(this.#isPaused && { isPaused: true }),
      rounds: this.#rounds,
      round: this.#points.at(-1)?.round ?? 0,
      ...this.#bytes,
      refusals: this.#refusals.all,
      ...this.#clients.counts,
      ...(this.#updatedAt !== undefined && { updatedAt: this.#updatedAt }),
      ...(report?.best && { best: report.best }),
      ...(report?.final && { final: report.final }),
      ...(privacy && { privacy }),
      ...(report && { modelDigest: report.modelDigest }),
    };
  }

  #applyByType(event: ServerEvent, now: number): void {
    switch (event.type) {
      case "joining":
        this.#note = safeText(event.progress);
        return;
      case "client-joined":
        return this.#clients.addJoined(event);
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
        if (this.#open?.arrive(rank)) this.#clients.addTime(rank, this.#open.secondsAt(now));
        return this.#clients.set(rank, {
          ...{ round, received: received + 1 },
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
      case "update-refused":
        this.#mark(event.rank, "x");
        this.#refusals.add(event.fault);
        return this.#clients.addRefusal(event.rank, event.message);
      case "client-refused":
        return this.#refusals.add(event.fault ?? "connection lost");
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
        return this.stop(event.reason);
      case "finished":
        return this.finish(event.report);
    }
  }

  /** Takes the report of a run that has ended. */
  finish(report: RunReport): void {
    this.#stage = "finished";
    this.#isPaused = false;
    this.#note = report.stopped?.reason;
    this.#report = report;
    this.#rounds = Math.max(this.#rounds, report.rounds.length);
    this.#run = identityOf(this.#run, report);
    for (const member of report.members ?? []) this.#clients.addMember(member);
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
    this.#changed.isChanged = this.#changed.isOpenChanged = true;
  }
}
