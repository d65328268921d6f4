import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  MessageCode,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../../mod.ts";
import type { MessageArguments } from "../../../src/server/run/server_topology.ts";
import type { ErrorPayload, Message } from "../../../src/wire/messages.ts";
import { Peer } from "../../helpers/peer.ts";
import {
  clearModel,
  clientOf,
  LENGTH,
  refusalOf,
  runSecure,
  serverOf,
  WatchedClient,
} from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];

/** Server that asks rank 3 for more than it should, and hears what the client says to that. */
class LyingServer extends ServerSyncTop {
  readonly notices: ErrorPayload[] = [];
  readonly heard: number[] = [];
  /** Makes the lies to tell after a message of rank 3. */
  lie: (message: Message) => readonly Message[] = () => [];
  /** Answers of rank 3 that are still to come before its own message goes on. */
  #pending: PromiseWithResolvers<void> | undefined;
  #left = 0;

  override async onReceive(sender: number, ...message: MessageArguments): Promise<void> {
    const [code, payload] = message;
    if (sender === 3) this.heard.push(code);
    const lies = sender === 3 ? this.lie({ code, payload } as Message) : [];
    if (lies.length > 0) {
      this.#pending = Promise.withResolvers();
      this.#left = lies.length;
      for (const lie of lies) this.activeRun.send(3, lie);
    }
    await super.onReceive(sender, ...message);
  }

  override onCannotTrain(sender: number, notice: ErrorPayload): void {
    this.notices.push(notice);
    if (--this.#left === 0) this.#pending?.resolve();
    if (this.#left < 0) super.onCannotTrain(sender, notice);
  }

  /** Waits until the client has said something to each lie. */
  override async runRound(round: number): Promise<void> {
    await super.runRound(round);
    await this.#pending?.promise;
  }
}

/** Runs a lying server and its clients. */
async function runLying(
  lie: LyingServer["lie"],
  rounds = 1,
): Promise<LyingServer> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const running: Promise<void>[] = [], handler = serverOf();
  const server = new LyingServer(handler, {
    ...group,
    listen: `lying-${crypto.randomUUID()}`,
    worldSize: 6,
    rounds,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      for (const rank of ALL) {
        const options = { ...group, serverAddr: event.address, rank, secureMinMembers: 3 };
        running.push(new WatchedClient(clientOf(rank), options).run());
      }
    },
  });
  server.lie = lie;
  await server.run();
  await Promise.all(running);
  assertEquals(handler.parameters, clearModel(Array.from({ length: rounds }, () => ALL)));
  return server;
}

Deno.test("a client that has revealed refuses other requests for the round, and another attempt", async () => {
  const { notices, heard } = await runLying(({ code, payload }) => {
    if (code !== MessageCode.UnmaskShares || !("attempt" in payload)) return [];
    const { round, attempt } = payload, next = { round, attempt: attempt + 1 };
    return [
      { code: MessageCode.UnmaskRequest, payload: { round, attempt, dropped: [1] } },
      { code: MessageCode.UnmaskRequest, payload: { round, attempt, dropped: [3] } },
      { code: MessageCode.SecureKeys, payload: next },
      { code: MessageCode.SecureMembers, payload: { ...next, threshold: 3, members: [] } },
      { code: MessageCode.UnmaskRequest, payload: { ...next, dropped: [] } },
    ];
  });
  assertEquals(notices.length, 5);
  assert(
    notices.every(({ fault, fatal, round }) => fault === "cannot-train" && !fatal && round === 1),
  );
  assertEquals(heard.filter((code) => code === MessageCode.UnmaskShares).length, 1);
});

Deno.test("a client reveals nothing before it has sent its update, and takes one list of members", async () => {
  const { notices } = await runLying(({ code, payload }) => {
    if (code !== MessageCode.SecureShares || !("attempt" in payload)) return [];
    const { round, attempt } = payload, id = { round, attempt };
    return [
      { code: MessageCode.UnmaskRequest, payload: { ...id, dropped: [] } },
      { code: MessageCode.SecureMembers, payload: { ...id, threshold: 3, members: [] } },
    ];
  });
  assertEquals(notices.length, 2);
});

Deno.test("clients that were sent different models mask nothing, and say why", async () => {
  const { parameters } = serverOf();
  class TwoModels extends ServerSyncTop {
    notices: string[] = [];
    protected override activateClients(): void {
      const { exchange, clients } = this.activeRun, round = exchange?.collector.round ?? 0;
      for (const rank of clients) {
        const own = rank === 3 ? parameters.map((value) => value + 1) : parameters;
        const message = { code: MessageCode.ParameterUpdate, payload: { round, parameters: own } };
        this.activeRun.send(rank, message);
      }
    }
    override onCannotTrain(sender: number, notice: ErrorPayload): void {
      this.notices.push(notice.message);
      super.onCannotTrain(sender, notice);
    }
  }
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const running: Promise<unknown>[] = [];
  let masked = 0;
  const server = new TwoModels(serverOf(), {
    ...group,
    listen: `two-${crypto.randomUUID()}`,
    worldSize: 6,
    rounds: 1,
    roundTries: 1,
    onEvent: (event) => {
      if (event.type === "update-received") masked++;
      if (event.type !== "listening") return;
      for (const rank of ALL) {
        const options = { ...group, serverAddr: event.address, rank, secureMinMembers: 3 };
        running.push(new WatchedClient(clientOf(rank), options).run().catch(() => {}));
      }
    },
  });
  await assertRejects(() => server.run(), Error, "Round 1");
  await Promise.all(running);
  assertEquals(masked, 0);
  assert(
    server.notices.length === 5 &&
      server.notices.every((text) => /box does not open|boxes do not open/.test(text)),
  );
});

Deno.test("a client that requires secure aggregation refuses a server without", async () => {
  const { manifest, parameters } = serverOf();
  const plain = new SyncParameterServerHandler({ manifest, parameters });
  const { fault, message } = await refusalOf(plain, { requireSecure: true });
  assertEquals(fault, "secure-mismatch");
  assert(message.includes("got one that wants single updates"), message);
});

Deno.test("a client refuses secure aggregation of fewer members than it wants", async () => {
  const few = serverOf({ secureAggregation: { minMembers: 3, maxMembers: 4 } });
  const { fault, message } = await refusalOf(few, {});
  assertEquals(fault, "secure-mismatch");
  assert(
    message.includes("expected secure aggregation of 5 members or more, got at most 4"),
    message,
  );
});

Deno.test("a client masks nothing among fewer members than it wants", async () => {
  const refused = new Map<number, string>();
  const { model } = await runSecure({
    rounds: 1,
    client: (rank) => ({
      ...(rank === 2 && { secureMinMembers: 6 }),
      onEvent: (event) => event.type === "cannot-train" && refused.set(rank, event.reason),
    }),
  });
  assertEquals([...refused.keys()], [2]);
  assert(refused.get(2)?.includes("expected 6 to 255 members, got 5"), refused.get(2));
  assertEquals(model, clearModel([[1, 3, 4, 5]]));
});

Deno.test("a server with secure aggregation refuses by name a client that does not know it", async () => {
  const handler = serverOf();
  const stop = new AbortController(), listening = Promise.withResolvers<string>();
  const server = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    logger: silentLogger,
    worldSize: 6,
    rounds: 1,
    onEvent: (event) => event.type === "listening" && listening.resolve(event.address),
  });
  const running = server.run({ signal: stop.signal }).catch(() => {});
  {
    await using peer = await Peer.connect(await listening.promise);
    await peer.register();
    const { fault, message, fatal } = await peer.error();
    assertEquals([fault, fatal], ["secure-mismatch", true]);
    assert(message.includes("secure aggregation"), message);
  }
  // A client that says that it knows it, and sends a plain update all the same.
  await using peer = await Peer.connect(await listening.promise);
  const { plan } = await peer.join({ secure: 1 });
  assertEquals(plan.secure?.maxMembers, 10);
  await peer.update(1, new Float32Array(LENGTH));
  assertEquals((await peer.error()).fault, "unexpected-code");
  stop.abort();
  await running;
});
