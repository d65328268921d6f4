/** A page of examples/browser in runs with differential privacy. */
import { assert, assertEquals } from "@std/assert";
import type { Browser } from "npm:puppeteer-core@25.16.0";
import {
  initialParameters,
  mlp,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { websocketTransport } from "../../src/net/mod.ts";
import { CentralPrivacy } from "../../src/privacy/central_privacy.ts";
import { DistributedPrivacy } from "../../src/privacy/distributed/distributed_privacy.ts";
import type { Strategy } from "../../src/strategy/strategy.ts";
import {
  buildPage,
  ExampleServer,
  open,
  runDenoClient,
  untilText,
} from "../helpers/browser_example.ts";
import { testInBrowser } from "../helpers/chromium.ts";
import { inFolder, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const README = `${import.meta.dirname}/../../examples/browser/README.md`;
const CLIENTS = 5, ROUNDS = 3;
const LISTEN = "ws://127.0.0.1:0/federation";
const PLAN = { delta: 1e-5, rounds: ROUNDS, clients: CLIENTS, cohort: CLIENTS };

/** Starts the server of the page's example, and gives the page's origin. */
async function startPages(): Promise<{ server: ExampleServer; origin: string }> {
  await buildPage();
  const server = await ExampleServer.start(1);
  const [, host = ""] = /http:\/\/(.+?)\//.exec(await server.said(/http.+part=3\/3\n/)) ?? [];
  return { server, origin: `http://${host}` };
}

/** Opens a page that joins a server as the fifth of five clients. */
async function openFifth(browser: Browser, origin: string, address: string, faults: string[]) {
  const url = `${origin}/?part=${CLIENTS}/${CLIENTS}&server=${encodeURIComponent(address)}`;
  return await open(browser, url, { faults, width: 1280, hasTouch: false });
}

/** Runs a server with secure aggregation and five clients; a function starts the last one. */
async function runFive(
  strategy: Strategy,
  origin: string,
  startFifth: (address: string) => Promise<unknown>,
): Promise<RunReport> {
  const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    ...{ model, strategy, seed: 1 },
    secureAggregation: { minMembers: CLIENTS },
  });
  let clients: Promise<unknown>[] = [];
  const report = await new ServerSyncTop(handler, {
    ...{
      distBackend: websocketTransport({ origins: [origin] }),
      listen: LISTEN,
    },
    ...{ worldSize: CLIENTS + 1, rounds: ROUNDS, logger: silentLogger },
    onEvent(event) {
      if (event.type !== "listening") return;
      const { address } = event;
      clients = [1, 2, 3, 4].map((part) => runDenoClient(address, part, CLIENTS));
      clients.push(startFifth(address));
    },
  }).run();
  await Promise.all(clients);
  return report;
}

testInBrowser(
  "a page under differential privacy has the digest, or the account, of a Deno client",
  async (browser) => {
    const { server, origin } = await startPages();
    await using _server = server;
    const faults: string[] = [];
    const ofPage = async (address: string) => {
      const page = await openFifth(browser, origin, address, faults);
      await untilText(page, "#status", /^The run is over\.$/);
      await page.close();
    };
    const ofDeno = (address: string) => runDenoClient(address, CLIENTS, CLIENTS);
    const seeded = { ...PLAN, mechanism: "ftrl", noise: 2, noiseSeed: 3 } as const;
    const [central, alone] = await Promise.all([
      runFive(new CentralPrivacy(seeded), origin, ofPage),
      runFive(new CentralPrivacy(seeded), origin, ofDeno),
    ]);
    assertEquals(central.modelDigest, alone.modelDigest);
    assertEquals(central.rounds.map(({ received }) => received), [5, 5, 5]);

    const shared = { ...PLAN, epsilon: 8, threshold: 4 } as const;
    const [mixed, same] = await Promise.all([
      runFive(new DistributedPrivacy(shared), origin, ofPage),
      runFive(new DistributedPrivacy(shared), origin, ofDeno),
    ]);
    assertEquals(mixed.privacy, same.privacy);
    assertEquals(mixed.rounds.map(({ received }) => received), [5, 5, 5]);
    assert(Math.abs((mixed.privacy?.epsilon ?? NaN) - 8) < 1e-6);
    assertEquals(faults, []);
  },
);

testInBrowser(
  "a server, four clients and a page train by the commands of the page's README",
  async (browser) => {
    const text = await Deno.readTextFile(README);
    const commands = text.matchAll(/^deno task (server|client) (.+--privacy.+)$/gm);
    const [ofServer, ofClient] = Array.from(commands, ([, , args = ""]) => args.split(" "));
    assert(ofServer && ofClient);
    const { server, origin } = await startPages();
    await using _server = server;
    await inFolder(async (folder) => {
      const started = startCommand(
        "server",
        [
          ...ofServer.map((arg) =>
            arg.replace("127.0.0.1:9001", "127.0.0.1:0").replace("http://127.0.0.1:9000", origin)
          ),
          "--rounds",
          "3",
          "--json",
          "report.json",
        ],
        folder,
      );
      const [, address = ""] = await started.said(/(ws:\/\/127\.0\.0\.1:[1-9]\d*\/federation)/);
      const clients = [1, 2, 3, 4].map((rank) =>
        startCommand(
          "client",
          [...ofClient.map((arg) =>
            arg.replace(/^ws:.+/, address).replace("1/5", `${rank}/5`).replace(/^1$/, `${rank}`)
          )],
          folder,
        )
      );
      const faults: string[] = [];
      const page = await openFifth(browser, origin, address, faults);
      await untilText(page, "#status", /^The run is over\.$/);
      for (const { outcome } of [started, ...clients]) {
        const { code, stderr } = await outcome;
        assertEquals(code, 0, stderr);
      }
      assertEquals(faults, []);
      const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/report.json`));
      assertEquals(report.rounds.map(({ received }) => received), [5, 5, 5]);
      assertEquals(report.privacy?.mechanism, "ftrl");
      assert(report.privacy?.trust?.startsWith("the server, which sees sums"));
      assert((report.privacy?.epsilon ?? Infinity) < 8 + 1e-6);
    });
  },
);
