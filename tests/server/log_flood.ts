/**
 * Floods a server and a client with messages that they refuse, and measures their logs.
 *
 *     deno run -A tests/server/log_flood.ts --seconds 20
 */
import { parseArgs } from "node:util";
import { assertEquals } from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  type ClientTopologyOptions,
  MessageCode,
  type ServerEvent,
  ServerSyncTop,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { type Channel, Connection, tcpTransport } from "../../src/net/mod.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { Peer } from "../helpers/peer.ts";

export const MANIFEST = vectorManifest(3);
const DIGEST = await MANIFEST.digest();

/** A folder that is removed at the end of the test. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Runs an honest client and a hostile one, and returns the log's text. */
export async function logOf(
  visit: (address: string) => Promise<void>,
  rounds = 3,
): Promise<{ text: string; received: number[]; events: ServerEvent[] }> {
  await using temporary = await temporaryFolder();
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
  const visited = Promise.withResolvers<void>();
  // It is read after the run.
  visited.promise.catch(() => {});
  const events: ServerEvent[] = [];
  let honest: Promise<void> = Promise.resolve();
  const report = await new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 3,
    rounds,
    minClients: 1,
    timeouts: { joinSeconds: 2, drainSeconds: 0.3 },
    log: { folder: temporary.path, console: false },
    onEvent: (event) => {
      events.push(event);
      if (event.type !== "listening") return;
      const step = async (vector: Float32Array, { round }: { round: number }) => {
        if (round === rounds) await visited.promise;
        vector.forEach((x, i) => vector[i] = x + 1);
      };
      honest = new ClientSyncTop(new FakeHandler(MANIFEST, { step }), {
        serverAddr: event.address,
        rank: 1,
        loggerFile: "",
        log: { console: false },
      }).run();
      honest.catch(() => {});
      visit(event.address).then(visited.resolve, visited.reject);
    },
  }).run();
  await visited.promise;
  await honest;
  assertEquals([...handler.parameters], Array(MANIFEST.length).fill(rounds));
  const text = await Deno.readTextFile(`${temporary.path}/serverLog.txt`);
  return { text, received: report.rounds.map(({ received }) => received), events };
}

/** Sends unrequested figures until the server disconnects, and returns its last message. */
export async function flood(address: string): Promise<{ refused: number; fault: string }> {
  await using peer = await Peer.connect(address);
  await peer.join({ rank: 2 });
  let refused = 0;
  let isOver = false;
  const sending = (async () => {
    for (let sent = 0; !isOver; sent++) {
      // Data that the server has not read when it closes would discard its last message.
      while (sent - refused > 100 && !isOver) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await peer.send({
        code: MessageCode.EvaluateParams,
        payload: { round: 1, numSamples: 1, loss: 1 },
      });
    }
  })().catch(() => {});
  for (;; refused++) {
    const { fault, fatal } = await peer.error();
    if (!fatal) continue;
    isOver = true;
    peer.connection.abort(new Error("enough"));
    await sending;
    return { refused, fault };
  }
}

/** Hand-written server of one client. */
export async function withServer(
  act: (connection: Connection) => Promise<void>,
  options: Partial<ClientTopologyOptions> = {},
): Promise<{ error: unknown; text: string }> {
  await using temporary = await temporaryFolder();
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const channels: Channel[] = [];
  const serving = (async () => {
    for (;;) {
      const channel = await listener.accept();
      if (channel === null) return;
      channels.push(channel);
      const connection = new Connection(channel);
      try {
        await connection.receive();
        await connection.send({ code: MessageCode.IdAssignment, payload: ASSIGNMENT });
        await connection.receive();
        await act(connection);
      } catch { /* the client is gone */ }
      await connection.close(0.1);
    }
  })();
  let error: unknown;
  await new ClientSyncTop(new FakeHandler(MANIFEST), {
    serverAddr: listener.address,
    log: { folder: temporary.path, console: false },
    ...options,
  }).run().catch((thrown) => error = thrown);
  listener.close();
  await serving;
  return { error, text: await Deno.readTextFile(`${temporary.path}/clientLog.txt`) };
}

const ASSIGNMENT = await assignmentFor(MANIFEST);

/** Sends a message that cannot be the first, and is refused. */
export async function refused(address: string): Promise<void> {
  await using peer = await Peer.connect(address);
  await peer.send({
    code: MessageCode.Ready,
    payload: { manifestDigest: DIGEST, numSamples: 1 },
  });
  assertEquals((await peer.error()).fault, "unexpected-code");
}

/** Refuses updates that the client never sent, until it leaves. */
export async function refuseAll(connection: Connection): Promise<void> {
  for (;;) {
    await connection.send({
      code: MessageCode.Error,
      payload: { fault: "wrong-round", message: "x".repeat(4096), fatal: false },
    });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
  const seconds = Number(values.seconds);
  const trial = async (what: string, run: (isOver: () => boolean) => Promise<string>) => {
    const end = performance.now() + 1000 * seconds;
    console.log(`${what}, ${seconds} s: ${await run(() => performance.now() >= end)}`);
  };
  /** Repeats the attack, and counts how often it finished and how often the server prevented it. */
  const again = async (isOver: () => boolean, act: () => Promise<void>) => {
    let done = 0, turnedAway = 0;
    while (!isOver()) await act().then(() => done++, () => turnedAway++);
    return { done, turnedAway };
  };
  await trial("a joined peer that floods", async (isOver) => {
    let count = 0, said = "";
    const { text } = await logOf(async (address) => {
      const { done, turnedAway } = await again(isOver, async () => {
        count += (await flood(address)).refused;
      });
      said = `${done} times sent away, ${turnedAway} times not let in`;
    });
    return `${count} messages refused, ${said}, log of ${text.length} bytes`;
  });
  await trial("strangers", async (isOver) => {
    let said = "";
    const { text } = await logOf(async (address) => {
      const { done, turnedAway } = await again(isOver, () => refused(address));
      said = `${done} refused, ${turnedAway} not let in`;
    });
    return `${said}, log of ${text.length} bytes`;
  });
  await trial("a client whose server floods", async (isOver) => {
    let lives = 0, bytes = 0;
    for (; !isOver(); lives++) {
      bytes += (await withServer(refuseAll, { timeouts: { drainSeconds: 0.3 } })).text.length;
    }
    return `${lives} lives, each ended by the client, logs of ${bytes} bytes in all`;
  });
}
