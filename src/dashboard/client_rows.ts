import type { Rank } from "../base/rank.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { MemberReport } from "../round/report/report.ts";
import { safeText } from "./event_line.ts";
import { type ClientRow, type ClientState, MAX_ROWS } from "./view.ts";

/** Row that is changed in place: events are frequent, and views of the rows are not. */
type OwnRow = { -readonly [Field in keyof ClientRow]: ClientRow[Field] };

/** Weight of a client's last time in the mean of its times. */
const LAST_WEIGHT = 0.1;

/** Table of clients: a row for each of the first {@linkcode MAX_ROWS}, and which have changed. */
export class ClientRows {
  readonly #rows = new Map<Rank, OwnRow>();
  readonly #counts: Record<ClientState, number> = { present: 0, away: 0, left: 0 };
  readonly #omitted = new Set<Rank>();
  #changed = new Set<Rank>();

  /** All rows, in the order in which the clients appeared. */
  get all(): ClientRow[] {
    return Array.from(this.#rows.values(), (row) => ({ ...row }));
  }

  /** Number of clients by state, and of those without a row. */
  get counts(): { clients: Readonly<Record<ClientState, number>>; clientsOmitted: number } {
    return { clients: { ...this.#counts }, clientsOmitted: this.#omitted.size };
  }

  /** Returns the row of a client as it is now; it changes with the next event. */
  get(rank: Rank): Readonly<ClientRow> | undefined {
    return this.#rows.get(rank);
  }

  /** Changes the row of a client, or adds one. */
  set(rank: Rank, change: Partial<ClientRow>): void {
    let row = this.#rows.get(rank);
    if (row === undefined) {
      if (this.#rows.size >= MAX_ROWS) {
        this.#omitted.add(rank);
        return;
      }
      row = { rank, state: "present", received: 0, refused: 0 };
      this.#rows.set(rank, row);
      this.#counts.present++;
    }
    if (change.state !== undefined && change.state !== row.state) {
      this.#counts[row.state]--;
      this.#counts[change.state]++;
    }
    Object.assign(row, change);
    this.#changed.add(rank);
  }

  /** Sets what a client that has joined tells of itself. */
  addJoined(event: ServerEvent & { type: "client-joined" }): void {
    const name = event.name ?? event.site;
    this.set(event.rank, {
      state: "present",
      identity: event.identity,
      address: safeText(event.address),
      agent: safeText(event.agent),
      ...(name !== undefined && { name: safeText(name) }),
      ...(event.numSamples !== undefined && { samples: event.numSamples }),
    });
  }

  /** Adds a client of the report of a run, of which there were no events. */
  addMember(
    { rank, identity, name, site, address, samples, received, refused }: MemberReport,
  ): void {
    if (this.#rows.has(rank)) return;
    const text = name ?? site;
    this.set(rank, {
      ...{ state: "left", received, refused },
      ...(identity !== undefined && { identity: safeText(identity) }),
      ...(text !== undefined && { name: safeText(text) }),
      ...(address !== undefined && { address: safeText(address) }),
      ...(samples !== undefined && { samples }),
    });
  }

  /** Counts a refused update, with the reason. */
  addRefusal(rank: Rank, reason: string): void {
    const { refused = 0 } = this.#rows.get(rank) ?? {};
    this.set(rank, { refused: refused + 1, trouble: safeText(reason) });
  }

  /** Adds the time from the start of a round to a client's update, and its part of the upload. */
  addTime(rank: Rank, seconds: number, uploadSeconds?: number): void {
    const { meanSeconds = seconds } = this.#rows.get(rank) ?? {};
    const mean = meanSeconds + LAST_WEIGHT * (seconds - meanSeconds);
    this.set(rank, {
      ...{ seconds, meanSeconds: mean },
      ...(uploadSeconds !== undefined && { uploadSeconds }),
    });
  }

  /** Returns the rows that have changed since the last call. */
  takeChanged(): ClientRow[] {
    const changed = Array.from(this.#changed, (rank) => this.#rows.get(rank));
    this.#changed = new Set();
    return changed.flatMap((row) => row ? { ...row } : []);
  }
}
