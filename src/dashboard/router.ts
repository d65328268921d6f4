import { runtime } from "../base/runtime/runtime.ts";
import { isRecord } from "../base/json.ts";
import { errorMessage } from "../base/errors.ts";
import type { Access } from "./access.ts";
import { answer, json, refusal } from "./answers.ts";
import { RunEvents } from "./event_stream.ts";
import { pageFile } from "./pages.ts";
import { PROMETHEUS_TYPE, prometheusText } from "./prometheus.ts";
import type { RunSource, ShownRun } from "./run_source.ts";

/** Largest number of pages that follow a run at the same time. */
const MAX_STREAMS = 32;

/** Largest body of a request in bytes. */
const MAX_BODY = 4096;

/** Action on the run of this process. */
export type Action =
  | { readonly action: "stop" }
  | { readonly action: "pause" }
  | { readonly action: "resume" }
  | { readonly action: "drop"; readonly rank: number };

/** Actions that pages may ask for. */
export interface Control {
  /** Names of the actions that the run knows. */
  readonly actions: readonly Action["action"][];
  /** Carries out an action; throws an error with the reason where it cannot. */
  act(action: Action): void | Promise<void>;
}

/** Parts of a dashboard that answer requests. */
export interface RouterOptions {
  readonly source: RunSource;
  readonly access: Access;
  /** Id of the run whose figures `/metrics` gives. */
  readonly measured?: string;
  /** Actions of the pages; absent where none is allowed. */
  readonly control?: Control;
}

/** Answers the requests of a dashboard's pages. */
export class Router {
  readonly #options: RouterOptions;
  readonly #streams = new Set<RunEvents>();

  /** Makes the router of a dashboard. */
  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Answers a request. */
  async answer(request: Request): Promise<Response> {
    try {
      const { access } = this.#options;
      const strange = access.whyStrange(request);
      if (strange !== undefined) return refusal(403, strange);
      const { pathname } = new URL(request.url);
      if (request.method === "POST") return await this.#post(request, pathname);
      if (request.method !== "GET" && request.method !== "HEAD") {
        return refusal(405, "Cannot answer: expected GET or POST");
      }
      // The page itself has nothing of the run; it asks for the token where one is needed.
      const file = await pageFile(pathname);
      if (file) return file;
      if (!access.isAllowed(request)) return refusal(401, "Cannot answer: expected the token");
      return await this.#get(pathname);
    } catch (error) {
      return refusal(500, errorMessage(error));
    }
  }

  /** Ends the streams of all pages, once they have what was told until now. */
  close(): void {
    for (const events of this.#streams) events.end();
  }

  async #get(pathname: string): Promise<Response> {
    const { source, control, measured } = this.#options;
    if (pathname === "/api/runs") {
      return json({ runs: await source.list(), live: measured, actions: control?.actions ?? [] });
    }
    if (pathname === "/metrics") {
      const run = measured === undefined ? undefined : await source.find(measured);
      if (run === undefined) return refusal(404, "Cannot find a run of this process");
      const memory = runtime.process.memoryUsage().rss;
      return answer(prometheusText(await run.view(), memory), PROMETHEUS_TYPE);
    }
    const [, id = "", rest = ""] = /^\/api\/runs\/([^/]+)(?:\/(.+))?$/.exec(pathname) ?? [];
    const run = id === "" ? undefined : await source.find(decode(id));
    if (run === undefined) return refusal(404, "Cannot find this page");
    if (rest === "") return json(await run.view());
    if (rest === "stream") return this.#stream(run);
    const [, name] = /^files\/([^/]+)$/.exec(rest) ?? [];
    const files = await run.files();
    if (rest === "files") return json(files.map(({ name }) => name));
    const file = files.find((file) => name !== undefined && file.name === decode(name));
    if (file === undefined) return refusal(404, "Cannot find this file of the run");
    return answer(await file.read(), file.type, {
      headers: { "content-disposition": `attachment; filename="${file.name}"` },
    });
  }

  #stream(run: ShownRun): Response {
    if (this.#streams.size >= MAX_STREAMS) {
      return refusal(503, `Cannot follow the run: ${MAX_STREAMS} pages follow it already`);
    }
    const events = new RunEvents(run, () => this.#streams.delete(events));
    this.#streams.add(events);
    return answer(events.body, "text/event-stream");
  }

  async #post(request: Request, pathname: string): Promise<Response> {
    const { access, control } = this.#options;
    // Forms of other sites cannot send JSON without a question to the server first.
    if (!/^application\/json\b/.test(request.headers.get("content-type") ?? "")) {
      return refusal(415, "Cannot answer: expected JSON");
    }
    const body = await readBody(request);
    if (body === undefined) return refusal(400, "Cannot answer: expected a small JSON object");
    if (pathname === "/api/login") {
      const cookie = typeof body.token === "string" ? access.begin(body.token) : undefined;
      return cookie === undefined
        ? refusal(401, "Cannot begin: the token is wrong")
        : answer(null, "text/plain", { status: 204, headers: { "set-cookie": cookie } });
    }
    if (!access.isAllowed(request)) return refusal(401, "Cannot answer: expected the token");
    if (pathname !== "/api/control") return refusal(404, "Cannot find this page");
    if (control === undefined) {
      return refusal(403, "Cannot do this: the dashboard may not control the run");
    }
    const action = actionIn(body);
    if (action === undefined) {
      return refusal(400, "Cannot do this: expected stop, pause, resume, or drop with a rank");
    }
    if (!control.actions.includes(action.action)) {
      return refusal(400, `Cannot do this: this run has no ${action.action}`);
    }
    await control.act(action);
    return answer(null, "text/plain", { status: 204 });
  }
}

function actionIn({ action, rank }: Record<string, unknown>): Action | undefined {
  if (action === "drop") {
    return Number.isSafeInteger(rank) ? { action, rank: rank as number } : undefined;
  }
  return action === "stop" || action === "pause" || action === "resume" ? { action } : undefined;
}

async function readBody(request: Request): Promise<Record<string, unknown> | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > MAX_BODY) return undefined;
    parts.push(part);
  }
  try {
    const value = JSON.parse(await new Blob(parts as BlobPart[]).text());
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
