/**
 * Server of the page and of the federation, on one port: deno task build && deno task start
 *
 * Arguments: the port (8000) and the number of pages (2).
 */
import {
  errorMessage,
  mlp,
  NativeSGDHandler,
  ServerSyncTop,
  SyncParameterServerHandler,
  websocketMount,
} from "@fedlab/core";
import { partOf } from "./data.ts";

const [port = "8000", pages = "2"] = Deno.args;
const TYPES: Readonly<Record<string, [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["dist/page.js", "text/javascript; charset=utf-8"],
  "/client.js": ["dist/client.js", "text/javascript; charset=utf-8"],
};
const mount = websocketMount();
Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, async (request, info) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/federation") return mount.handler(request, info);
  const [file, type] = TYPES[pathname] ?? [];
  if (file === undefined || type === undefined) return new Response("Not found", { status: 404 });
  return new Response(await Deno.readFile(`${import.meta.dirname}/${file}`), {
    headers: { "content-type": type },
  });
});
console.log(
  `Open http://127.0.0.1:${port}/?part=1/${pages} to ?part=${pages}/${pages}, each in a tab`,
);

const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
await using initial = new NativeSGDHandler({ data: (await partOf(1, 1)).test });
await initial.setUp(model);
const { manifest, parameters } = initial;
const handler = new SyncParameterServerHandler({ manifest, parameters, model, seed: 1 });
const server = new ServerSyncTop(handler, {
  distBackend: mount,
  listen: "/federation",
  worldSize: Number(pages) + 1,
  rounds: 20,
  loggerFile: "",
  timeouts: { joinSeconds: 24 * 60 * 60 },
});
try {
  const { modelDigest } = await server.run();
  console.log(`The run is over, model ${modelDigest}`);
  Deno.exit(0);
} catch (error) {
  console.error(errorMessage(error));
  Deno.exit(1);
}
