import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  type ClientSyncTop,
  FedAdam,
  MessageCode,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  type SyncParameterServerHandlerOptions,
} from "../../../mod.ts";
import type { MessageArguments } from "../../../src/server/run/server_topology.ts";
import { CentralPrivacy } from "../../../src/privacy/central_privacy.ts";
import { type KeyCredential, makeCredentials } from "../../helpers/keyed.ts";
import { freePort } from "../../helpers/free_port.ts";
import { Proxy } from "../../helpers/proxy.ts";
import { clearModel, clientOf, serverOf, WatchedClient } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];

/** Server that is killed, as far as its clients can see, when a message of a round comes. */
class MortalServer extends ServerSyncTop {
  die: (code: MessageCode, round: number) => boolean = () => false;

  override onReceive(sender: number, ...message: MessageArguments): void | Promise<void> {
    const [code, payload] = message;
    if ("round" in payload && this.die(code, payload.round ?? 0)) throw new Error("killed");
    return super.onReceive(sender, ...message);
  }
}

/** Runs a server that dies after as many reveals of round 2, and one that goes on with its run. */
function killedAt(
  reveals: number,
  options?: () => Partial<SyncParameterServerHandlerOptions>,
): ReturnType<typeof killedWhere> {
  let count = 0;
  const die = (code: MessageCode, round: number) =>
    code === MessageCode.UnmaskShares && round === 2 && count++ >= reveals;
  return killedWhere(die, { options });
}

/**
 * Runs a server that dies at a message, and one that goes on with its run.
 *
 * @param afterwards Changes the folder of checkpoints between the two.
 */
async function killedWhere(
  die: MortalServer["die"],
  { options = () => ({}), ranks = ALL, afterwards, gone, credentials = [], server }: {
    options?: (() => Partial<SyncParameterServerHandlerOptions>) | undefined;
    ranks?: readonly number[];
    afterwards?: (folder: string) => Promise<void>;
    /** Client that leaves for good where it is asked for shares of round 2. */
    gone?: number;
    /** Keys of the clients, in the order of their ranks. */
    credentials?: readonly KeyCredential[];
    server?: Partial<ServerTopologyOptions>;
  },
) {
  const folder = await Deno.makeTempDir(), port = freePort();
  await using proxy = new Proxy(port);
  const revealed = new Map<string, Set<number>>(), clients: ClientSyncTop[] = [];
  try {
    const checkpoints = new CheckpointStore(folder), stop = new AbortController();
    const group = {
      ...{ listen: `127.0.0.1:${port}`, worldSize: ranks.length + 1, rounds: 3, checkpoints },
      ...{ logger: silentLogger, timeouts: { heartbeatSeconds: 0.5, drainSeconds: 0.1 } },
      distBackend: "tcp" as const,
      ...server,
    };
    const listening = Promise.withResolvers<void>();
    const first = new MortalServer(serverOf(options()), {
      ...group,
      onEvent: ({ type }) => type === "listening" && listening.resolve(),
    });
    first.die = (code, round) => {
      if (!die(code, round)) return false;
      proxy.isShut = true;
      stop.abort();
      return true;
    };
    const killed = assertRejects(() => first.run({ signal: stop.signal }));
    await listening.promise;
    for (const rank of ranks) {
      const client = new WatchedClient(clientOf(rank), {
        ...{ logger: silentLogger, serverAddr: proxy.address, rank, secureMinMembers: 3 },
        distBackend: "tcp",
        ...(credentials[rank - 1] && { credential: credentials[rank - 1] }),
      });
      client.before = (code, payload) => {
        if (code !== MessageCode.UnmaskRequest || !("attempt" in payload)) return;
        if (rank === gone && payload.round === 2) throw new Error("gone");
        const key = `${rank} in round ${payload.round}`, attempts = revealed.get(key) ?? new Set();
        revealed.set(key, attempts.add(payload.attempt));
      };
      clients.push(client);
    }
    const running = Promise.all(clients.map(async (client, i) => {
      await client.run().catch((error) => {
        if (ranks[i] !== gone) throw error;
      });
    }));
    running.catch(() => {});
    await killed;
    await afterwards?.(folder);
    const resume = await checkpoints.latest();
    const handler = serverOf(options()), events: ServerEvent[] = [];
    const second = new ServerSyncTop(handler, {
      ...group,
      ...(resume && { resume }),
      onEvent: (event) => {
        events.push(event);
        if (event.type === "listening") proxy.isShut = false;
      },
    });
    const report: RunReport = await second.run();
    await running;
    return { report, model: handler.parameters, events, revealed };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const reveals of [0, 3]) {
  Deno.test(`a server killed after ${reveals} reveals asks its clients for the same shares again`, async () => {
    const { report, model, events, revealed } = await killedAt(reveals);
    assertEquals(report.rounds.map(({ tries, received }) => [tries, received]), [
      ...[[1, 5], [1, 5], [1, 5]],
    ]);
    assertEquals(model, clearModel([ALL, ALL, ALL]));
    const started = events.flatMap((event) => event.type === "round-started" ? [event.round] : []);
    assertEquals(started, [2, 3]);
    assertEquals(revealed.size, 15);
    for (const [client, attempts] of revealed) assertEquals(attempts.size, 1, client);
  });
}

Deno.test("a sum that is unmasked after a restart reaches a strategy with its state", async () => {
  const options = () => ({ strategy: new FedAdam() });
  const { model } = await killedAt(2, options);
  assertEquals(model, clearModel([ALL, ALL, ALL], serverOf(options())));
});

Deno.test("a private sum that is unmasked after a restart gets its noise, and counts once", async () => {
  const plan = { rounds: 3, clients: 5, cohort: 5, delta: 1e-5 } as const;
  const options = () => ({
    strategy: new CentralPrivacy({ mechanism: "ftrl", noise: 1, ...plan }),
    secureAggregation: { minMembers: 3 },
  });
  const { report } = await killedAt(3, options);
  assertEquals(report.rounds.map(({ tries, received }) => [tries, received]), [
    ...[[1, 5], [1, 5], [1, 5]],
  ]);
  const { releases, participationsMost, trust = "" } = report.privacy ?? {};
  assertEquals([releases, participationsMost], [3, 3]);
  assert(trust.startsWith("the server, which sees sums"), trust);
});

Deno.test("a sum whose private model was told and is lost is not unmasked for clients out of turn", async () => {
  const plan = { rounds: 3, clients: 6, cohort: 3, bands: 2, delta: 1e-5 } as const;
  const { report, revealed } = await killedWhere(
    (code, round) => code === MessageCode.SecureKeys && round === 3,
    {
      ranks: [...ALL, 6],
      options: () => ({
        strategy: new CentralPrivacy({ mechanism: "ftrl", noise: 1, ...plan }),
        secureAggregation: { minMembers: 3 },
        fraction: 0.5,
      }),
      // That of round 1 has the masked sum of round 2.
      afterwards: (folder) => Deno.truncate(`${folder}/round-000002.safetensors`, 100),
    },
  );
  // The lost release of round 2 is counted, and its clients wait for their turn.
  const turns = [[1, 2, 3], [1, 2, 3], [4, 5, 6]];
  assertEquals(report.rounds.map(({ cohort }) => cohort), turns);
  assertEquals([report.privacy?.releases, report.privacy?.participationsMost], [4, 2]);
  for (const [client, attempts] of revealed) assertEquals(attempts.size, 1, client);
});

Deno.test("a sum counts for the key of a client that does not come back", async () => {
  const credentials = await makeCredentials(5),
    keys = credentials.map(({ publicKey }) => publicKey);
  const strategies: CentralPrivacy[] = [];
  const { report } = await killedWhere(
    (code, round) => code === MessageCode.UnmaskShares && round === 2,
    {
      ...{ gone: 5, credentials },
      server: {
        gatekeeper: { kind: "keys", allowed: new Set(keys) },
        ...{
          minClients: 4,
          timeouts: { joinSeconds: 1, heartbeatSeconds: 0.5, drainSeconds: 0.1 },
        },
      },
      options: () => {
        const plan = { rounds: 3, clients: 5, cohort: 5, delta: 1e-5 } as const;
        const strategy = new CentralPrivacy({ mechanism: "ftrl", noise: 1, ...plan });
        strategies.push(strategy);
        return { strategy, secureAggregation: { minMembers: 3 } };
      },
    },
  );
  assertEquals(report.rounds.map(({ received }) => received), [5, 5, 4]);
  const account = JSON.stringify(strategies.at(-1)?.privacy.account);
  const { participations } = JSON.parse(account);
  assertEquals(participations.length, 5);
  for (const [owner, , count] of participations) {
    assertEquals([typeof owner, count], ["string", owner.includes(keys[4]) ? 2 : 3]);
  }
});

Deno.test("a sum is not unmasked with other settings than those it was masked with", async () => {
  let made = 0;
  const options = () => ({
    secureAggregation: { minMembers: 3, maxMembers: 10, maxSamples: 200, clip: ++made },
  });
  const error = await assertRejects(() => killedAt(1, options), RangeError);
  assert(error.message.includes("its sum was masked with other settings"), error.message);
});
