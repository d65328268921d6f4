import type { RunEntry } from "../run_source.ts";
import { MAX_EVENTS, type RunView, type ViewChange } from "../view.ts";

/** Answer of `/api/runs`. */
export interface RunList {
  readonly runs: readonly RunEntry[];
  /** Id of the run of the server's process. */
  readonly live?: string;
  /** Actions that the page may ask for. */
  readonly actions: readonly string[];
}

/** The server asks for the token. */
export class TokenWantedError extends Error {}

/** Asks the server for a value. */
export async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path);
  if (response.status === 401) throw new TokenWantedError("the token is wanted");
  if (!response.ok) throw new Error((await response.text()).trim());
  return await response.json();
}

/** Sends a value to the server. Throws an error with its reason if it refuses. */
export async function send(path: string, value: unknown): Promise<void> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });
  if (!response.ok) throw new Error((await response.text()).trim());
}

/** Address of something of a run. */
export function pathOf(id: string, rest = ""): string {
  return `/api/runs/${encodeURIComponent(id)}${rest}`;
}

/** Returns a view with a change. The lists of the old view are reused and grow in place. */
export function changed(view: RunView, change: ViewChange): RunView {
  const { open: _, ...rest } = view;
  const open = change.open === undefined ? view.open : change.open ?? undefined;
  const points = view.points as RunView["points"][number][];
  points.push(...change.points ?? []);
  return {
    ...rest,
    ...(open && { open }),
    head: change.head ?? view.head,
    points,
    clients: change.clients ? withRows(view.clients, change.clients) : view.clients,
    events: change.events ? [...view.events, ...change.events].slice(-MAX_EVENTS) : view.events,
  };
}

function withRows(rows: RunView["clients"], changed: RunView["clients"]): RunView["clients"] {
  const all = new Map(rows.map((row) => [row.rank, row]));
  for (const row of changed) all.set(row.rank, row);
  return [...all.values()];
}

/** Follows a run until the result is called. */
export function follow(
  id: string,
  show: (view: RunView) => void,
  onState: (isConnected: boolean) => void,
  onFault: (fault: string) => void,
): () => void {
  const source = new EventSource(pathOf(id, "/stream"));
  let view: RunView | undefined;
  source.addEventListener("view", ({ data }) => show(view = JSON.parse(data)));
  source.addEventListener("change", ({ data }) => {
    if (view !== undefined) show(view = changed(view, JSON.parse(data)));
  });
  source.addEventListener("fault", ({ data }) => {
    source.close();
    onFault(JSON.parse(data));
  });
  source.addEventListener("open", () => onState(true));
  source.addEventListener("error", () => onState(false));
  return () => source.close();
}
