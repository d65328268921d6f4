import { assert, assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@1.0.19";
import { type RunningDashboard, startDashboard } from "../../src/dashboard/dashboard.ts";
import { LiveRun } from "../../src/dashboard/live_run.ts";
import { RunState } from "../../src/dashboard/run_state.ts";
import { RunEvents } from "../../src/dashboard/event_stream.ts";
import type { RunFile, RunMessage, RunSource } from "../../src/dashboard/run_source.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TOKEN = "3f9a51c07de284b6";
const ID = "a run";

/** A dashboard of one run without rounds. */
function start(
  options: Partial<Parameters<typeof startDashboard>[0]> = {},
): { page: RunningDashboard; live: LiveRun } {
  const state = new RunState({ id: ID, name: ID, command: "server", strategy: "x", settings: {} });
  const file: RunFile = {
    ...{ name: "report.json", type: "application/json" },
    read: () => Promise.resolve("{}"),
  };
  const live = new LiveRun(state, () => Promise.resolve([file]));
  const source: RunSource = {
    list: () => Promise.resolve([live.entry]),
    find: (id) => Promise.resolve(id === ID ? live : undefined),
  };
  const page = startDashboard({ address: "127.0.0.1:0", source, measured: ID, ...options });
  return { page, live };
}

/** Sends a request with the headers of a browser or an attacker. */
async function ask(
  page: RunningDashboard,
  path: string,
  { headers = {}, method = "GET", body }: {
    headers?: Record<string, string>;
    method?: string;
    body?: string;
  } = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const { hostname, port } = new URL(page.url);
  // Written by hand: fetch() sets the host itself.
  using socket = await Deno.connect({ hostname, port: Number(port) });
  const all = { host: `${hostname}:${port}`, connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const length = body === undefined ? "" : `content-length: ${body.length}\r\n`;
  await socket.write(
    new TextEncoder().encode(`${method} ${path} HTTP/1.1\r\n${lines}${length}\r\n${body ?? ""}`),
  );
  const text = await new Response(socket.readable).text();
  const [head = "", rest = ""] = text.split(/\r\n\r\n([\s\S]*)/);
  const fields = new Headers(
    head.split("\r\n").slice(1).map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]),
  );
  return { status: Number(head.split(" ")[1]), text: rest, headers: fields };
}

Deno.test("the dashboard serves its page, the runs, a run, its files and its figures", async () => {
  const { page } = start();
  await using _ = page;
  const index = await ask(page, "/");
  assertEquals(index.status, 200);
  assertMatch(index.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  const paths = [
    ...["page.js", "page.css", "api/runs", "api/runs/a%20run", "api/runs/a%20run/files", "metrics"],
    "api/runs/a%20run/files/report.json",
  ];
  for (const path of paths) {
    const response = await fetch(page.url + path);
    await response.body?.cancel();
    assertEquals(response.status, 200, path);
  }
  const wrong = [
    ...["api/runs/other", "api/runs/a%20run/files/%2e%2e%2fdeno.json", "..%2fdeno.json"],
    ...["api/runs/%zz", "api/control", "%2e%2e/deno.json"],
  ];
  for (const path of wrong) {
    const response = await fetch(page.url + path);
    await response.body?.cancel();
    assertEquals(response.status, 404, path);
  }
});

Deno.test("requests of other sites and to other names are refused", async () => {
  const { page } = start({ control: { actions: ["stop"], act: () => {} } });
  await using _ = page;
  const json = { "content-type": "application/json" };
  const strange: Record<string, string>[] = [
    { host: "evil.example" },
    { origin: "https://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
  ];
  for (const headers of strange) {
    assertEquals((await ask(page, "/api/runs", { headers })).status, 403, JSON.stringify(headers));
    const { status } = await ask(page, "/api/control", {
      ...{ method: "POST", body: `{"action":"stop"}`, headers: { ...json, ...headers } },
    });
    assertEquals(status, 403);
  }
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assertEquals((await ask(page, "/api/control", { method: "POST", headers: form })).status, 415);
  const big = `{"action":"${"x".repeat(10_000)}"}`;
  for (
    const body of [
      big,
      "[]",
      "{",
      `{"action":"fly"}`,
      `{"action":"pause"}`,
      `{"action":"drop","rank":"1"}`,
    ]
  ) {
    assertEquals(
      (await ask(page, "/api/control", { method: "POST", headers: json, body })).status,
      400,
    );
  }
});

Deno.test("with a token pages have nothing of the run without it", async () => {
  const { page } = start({ token: TOKEN });
  await using _ = page;
  assertEquals((await ask(page, "/")).status, 200);
  for (const path of ["/api/runs", "/metrics", "/api/runs/a%20run/stream"]) {
    assertEquals((await ask(page, path)).status, 401, path);
  }
  const bearer = { authorization: `Bearer ${TOKEN}` };
  assertEquals((await ask(page, "/metrics", { headers: bearer })).status, 200);
  const login = (token: string) =>
    ask(page, "/api/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
  const good = await login(TOKEN);
  assertEquals(good.status, 204);
  const cookie = good.headers.get("set-cookie") ?? "";
  assertMatch(cookie, /HttpOnly; SameSite=Strict/);
  const headers = { cookie: cookie.split(";")[0] ?? "" };
  assertEquals((await ask(page, "/api/runs", { headers })).status, 200);
  assertEquals((await login("wrong")).status, 401);
  // Soon after a wrong one, the right one is not tried either.
  assertEquals((await login(TOKEN)).status, 401);
});

Deno.test("an address that others can reach needs a token; one in use is named", async () => {
  assertThrows(() => start({ address: "0.0.0.0:0" }), RangeError, "expected FEDLAB_TOKEN");
  assertThrows(() => start({ address: "nonsense" }), SyntaxError, "expected HOST:PORT");
  const { page } = start({ address: "0.0.0.0:0", token: TOKEN });
  await using _ = page;
  const { port } = new URL(page.url);
  const error = assertThrows(() => start({ address: `0.0.0.0:${port}`, token: TOKEN }), Error);
  assertMatch(error.message, /^Cannot show the dashboard on .*: the port is in use/);
});

Deno.test("a page that does not read costs little memory, and is sent the view once it reads", async () => {
  let tell: (message: RunMessage) => void = () => {};
  let views = 0, ended = 0;
  const state = new RunState({ id: ID, name: ID, command: "", strategy: "", settings: {} });
  const view = state.view();
  const events = new RunEvents({
    view: () => Promise.resolve(view),
    files: () => Promise.resolve([]),
    follow: (told) => {
      tell = told;
      views++;
      told({ view });
      return Promise.resolve({ [Symbol.dispose]: () => void (tell = () => {}) });
    },
  }, () => ended++);
  const reader = events.body.pipeThrough(new TextDecoderStream()).getReader();
  assertMatch((await reader.read()).value ?? "", /^event: view\n/);
  const text = "x".repeat(100_000);
  const change = { events: [{ at: 0, type: "x", text }] };
  for (let i = 0; i < 1000; i++) tell({ change });
  assertEquals(views, 1);
  // What was told while it did not read is at most what may wait, and then the view comes.
  let length = 0, value = "";
  do {
    ({ value = "" } = await reader.read());
    length += value.length;
  } while (!value.startsWith("event: view"));
  assert(length < 3_000_000, `${length}`);
  assertEquals(views, 2);
  tell({ change: {} });
  assertMatch((await reader.read()).value ?? "", /^event: change\n/);
  await reader.cancel();
  assertEquals(ended, 1);
});

Deno.test("a page of a run that cannot be read is told why, and its stream ends", async () => {
  const fail = () => Promise.reject(new Error("Cannot read the run: it is torn"));
  const run = { view: fail, follow: fail, files: () => Promise.resolve([]) };
  let ended = 0;
  const { body } = new RunEvents(run, () => ended++);
  assertEquals(
    await new Response(body).text(),
    'event: fault\ndata: "Cannot read the run: it is torn"\n\n',
  );
  assertEquals(ended, 1);
});

Deno.test("a page is sent the view, then what changes, and the end before the dashboard closes", async () => {
  const { page, live } = start();
  const stream = await fetch(`${page.url}api/runs/a%20run/stream`);
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert(reader);
  assertMatch((await reader.read()).value ?? "", /^event: view\ndata: \{"schema":"fedlab.view\/1"/);
  live.show({ type: "joining", progress: "1 of 2" });
  assertMatch((await reader.read()).value ?? "", /^event: change\ndata: .*"note":"1 of 2"/);
  live.show({ type: "stopped", reason: "enough" });
  live[Symbol.dispose]();
  await page[Symbol.asyncDispose]();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
  assertMatch(rest, /"stage":"stopped","note":"enough"/);
});
