/**
 * Server of a federation whose clients are pages: it serves the page and the federation on one
 * port.
 *
 *     deno task build:browser
 *     deno run --allow-net=127.0.0.1 --allow-read=examples/browser/dist examples/browser/serve.ts 127.0.0.1:9000
 *
 * Then open the addresses that it prints, each in its own tab. Arguments after the address: number
 * of clients (3) and of rounds (20), and codecs of the updates and of the parameters, such as
 * `eden:bits=1 int8` (none). With `secure` in place of the codecs the pages mask their updates, and
 * the server learns their sum alone.
 */
import {
  errorMessage,
  mlp,
  NativeSGDHandler,
  ServerSyncTop,
  SyncParameterServerHandler,
  websocketMount,
} from "@fedlab/core";
import { parseCodec } from "@fedlab/core/codec";
import { localAddress, readPage } from "./page_server.ts";
import { partOf } from "./part.ts";

const PATH = "/federation";
/** One day, because users may open the pages at any time. */
const JOIN_SECONDS = 24 * 60 * 60;
const [address = "127.0.0.1:9000", clients = "3", rounds = "20", ...codecs] = Deno.args;
const isSecure = codecs[0] === "secure";
const [uplink, downlink] = isSecure ? [] : codecs;
const { hostname, port } = localAddress(address);
const site = await readPage(
  `${import.meta.dirname}/dist`,
  ["index.html", "styles.css", "page.js", "client.js"],
  "build:browser",
);

const mount = websocketMount();
const web = Deno.serve({ hostname, port, onListen() {} }, (request, info) => {
  const pathname = URL.parse(request.url)?.pathname ?? "";
  if (pathname === PATH) return mount.handler(request, info);
  return site(pathname) ?? new Response("Not found\n", { status: 404 });
});

const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
const { test } = await partOf(1, 1);
await using initial = new NativeSGDHandler({ data: test });
await initial.setUp(model);
const { manifest, parameters } = initial;

for (;;) {
  console.log("Open each address in its own tab:");
  for (let part = 1; part <= Number(clients); part++) {
    console.log(`  http://${hostname}:${web.addr.port}/?part=${part}/${clients}`);
  }
  const handler = new SyncParameterServerHandler({
    ...{ manifest, parameters, model, seed: 1 },
    ...(isSecure && { secureAggregation: { minMembers: 3, maxMembers: Number(clients) } }),
    ...(uplink !== undefined && { uplink: parseCodec(uplink) }),
    ...(downlink !== undefined && { downlink: parseCodec(downlink) }),
  });
  const server = new ServerSyncTop(handler, {
    distBackend: mount,
    listen: PATH,
    worldSize: Number(clients) + 1,
    rounds: Number(rounds),
    loggerFile: "",
    log: { console: false },
    timeouts: { joinSeconds: JOIN_SECONDS, roundSeconds: 60 },
    onEvent(event) {
      if (event.type === "joining") console.log(event.progress);
      if (event.type !== "round-ended") return;
      const { round, accuracy, received, secure } = event.report;
      if (secure) console.log(`round ${round}: the sum of ${received} updates`);
      else console.log(`round ${round}: accuracy ${((accuracy ?? 0) * 100).toFixed(1)}%`);
    },
  });
  try {
    const { modelDigest } = await server.run();
    console.log(`The run is over, model ${modelDigest}`);
  } catch (error) {
    console.log(`The run stopped: ${errorMessage(error)}`);
  }
}
