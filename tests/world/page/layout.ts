import type { Picture, PictureRow } from "../../../src/world/watch/picture.ts";

/** Rows that a page may leave out. */
export interface Filter {
  /** Number of the only client lane; -1 for all. */
  readonly lane: number;
  readonly hasHeartbeats: boolean;
  readonly hasLog: boolean;
}

/** Returns the rows that pass a filter. */
export function filtered(
  { rows }: Picture,
  { lane, hasHeartbeats, hasLog }: Filter,
): readonly PictureRow[] {
  return rows.filter((row) => {
    if (row.type === "log" && !hasLog) return false;
    if (row.type === "message" && row.name === "Heartbeat" && !hasHeartbeats) return false;
    if (lane < 0 || row.type === "event" || row.type === "fault") return true;
    if (row.type === "message") return row.from === lane || row.to === lane;
    return row.lane === lane || row.lane === 0;
  });
}

/** Returns the number of the first row at a time or after it. */
export function rowAt(rows: readonly PictureRow[], at: number): number {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Returns the height at which a time is on a page of rows, in rows. Their middles are at the times
 * of the rows; between two of them it is in proportion.
 */
export function heightOf(page: readonly PictureRow[], at: number): number {
  const next = rowAt(page, at), after = page[next]?.at, before = page[next - 1]?.at;
  if (after === undefined) return page.length;
  // The middle of the row, or a place between it and the middle of the row before.
  const back = before === undefined || after === before ? 0 : (after - at) / (after - before);
  return next + 0.5 - back;
}

/** Part of a page in which a lane has a process, in rows. */
export interface Life {
  readonly from: number;
  readonly to: number;
}

/** Returns the heights between which each lane has a process, on a page that begins at a row. */
export function livesOf(
  { rows, lanes }: Picture,
  page: readonly PictureRow[],
): readonly (readonly Life[])[] {
  const [first] = page, last = page.at(-1);
  return lanes.map((_, lane) => {
    const lives: Life[] = [];
    if (first === undefined || last === undefined) return lives;
    let since: number | undefined;
    for (const row of rows) {
      if (row.at > last.at) break;
      if ((row.type !== "up" && row.type !== "down") || row.lane !== lane) continue;
      if (row.type === "up") since = heightOf(page, Math.max(row.at, first.at));
      else if (since !== undefined) {
        if (row.at >= first.at) lives.push({ from: since, to: heightOf(page, row.at) });
        since = undefined;
      }
    }
    if (since !== undefined) lives.push({ from: since, to: page.length });
    return lives;
  });
}

/** Band of a round on a page. */
export interface Band extends Life {
  readonly round: number;
}

/** Returns the bands of the rounds that a page shows. */
export function bandsOf({ rows }: Picture, page: readonly PictureRow[]): readonly Band[] {
  const [first] = page, last = page.at(-1), bands: Band[] = [];
  if (first === undefined || last === undefined) return bands;
  let open: { readonly round: number; readonly at: number } | undefined;
  const close = (at: number) => {
    if (open !== undefined && at >= first.at && open.at <= last.at) {
      bands.push({
        round: open.round,
        from: open.at < first.at ? 0 : heightOf(page, open.at),
        to: at > last.at ? page.length : heightOf(page, at),
      });
    }
    open = undefined;
  };
  for (const row of rows) {
    // A server that ends leaves its round.
    if (row.type === "down" && row.lane === 0) close(row.at);
    if (row.type !== "event" || row.round === undefined) continue;
    close(row.at);
    if (row.begins) open = { round: row.round, at: row.at };
  }
  close(Infinity);
  return bands;
}
