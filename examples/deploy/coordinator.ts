/**
 * Server of a federation on Deno Deploy. Clients join over WebSockets, a page shows the run, and
 * Deno KV stores it. The first request starts the run.
 *
 *     deno serve --unstable-kv --allow-env=FEDLAB_CLIENTS,FEDLAB_ROUNDS,FEDLAB_SEED,FEDLAB_RUN,FEDLAB_STORE,FEDLAB_TOKEN,FEDLAB_UPLINK,FEDLAB_DOWNLINK,FEDLAB_SECURE --host 127.0.0.1 --port 9000 examples/deploy/coordinator.ts
 *
 * Without `--unstable-kv` the run is stored in the folder `checkpoints`, which needs
 * `--allow-read=checkpoints --allow-write=checkpoints`. A database in a file of your own needs both
 * for its folder.
 *
 * Settings are environment variables: FEDLAB_CLIENTS (2), FEDLAB_ROUNDS (20), FEDLAB_SEED (1),
 * FEDLAB_RUN, the run's name (digits), FEDLAB_STORE, the folder or the database's file,
 * FEDLAB_TOKEN, the token required of clients and of viewers of the run (see `readers.ts`), and
 * FEDLAB_UPLINK and FEDLAB_DOWNLINK, the codecs of updates and parameters, such as `eden:bits=1` and
 * `int8` (none), and FEDLAB_SECURE, options of secure aggregation such as `min=3` (none).
 */
import { parseCodec } from "@fedlab/core/codec";
import { parseSecureAggregation } from "@fedlab/core/round";
import { Coordinator } from "./federation.ts";
import { openCheckpoints } from "./store.ts";
import { lockedPage, page, PAGE_HEADERS } from "./page.ts";
import { mayRead } from "./readers.ts";

const token = Deno.env.get("FEDLAB_TOKEN");
const uplink = Deno.env.get("FEDLAB_UPLINK");
const downlink = Deno.env.get("FEDLAB_DOWNLINK");
const secure = Deno.env.get("FEDLAB_SECURE");
const coordinator = new Coordinator({
  clients: Number(Deno.env.get("FEDLAB_CLIENTS") ?? 2),
  rounds: Number(Deno.env.get("FEDLAB_ROUNDS") ?? 20),
  seed: Number(Deno.env.get("FEDLAB_SEED") ?? 1),
  token,
  ...(uplink && { uplink: parseCodec(uplink) }),
  ...(downlink && { downlink: parseCodec(downlink) }),
  ...(secure && { secureAggregation: parseSecureAggregation(secure) }),
  open: openCheckpoints,
});

async function answer(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
  // A malformed host gives a malformed URL.
  const url = URL.parse(request.url);
  if (url === null) return new Response("Bad request\n", { status: 400 });
  const { pathname } = url;
  if (pathname === "/federation") return await coordinator.join(request, info);
  if (!await mayRead(request, token)) {
    // The page asks for the token and contains no data of the run.
    if (pathname === "/") return new Response(lockedPage(), { headers: PAGE_HEADERS });
    return new Response("Expected the token's key for reading\n", {
      status: 401,
      headers: { "www-authenticate": "Bearer" },
    });
  }
  switch (pathname) {
    case "/status":
      return Response.json(await coordinator.status());
    case "/model.safetensors":
      return await coordinator.model();
    case "/":
      return new Response(page(await coordinator.status()), {
        headers: { ...PAGE_HEADERS, refresh: "3" },
      });
    default:
      return new Response("Not found\n", { status: 404 });
  }
}

export default {
  async fetch(request, info): Promise<Response> {
    try {
      return await answer(request, info);
    } catch (error) {
      // The reason is for the log only; the next request starts again.
      console.error(error);
      return new Response("The federation cannot begin\n", { status: 500 });
    }
  },
} satisfies Deno.ServeDefaultExport;
