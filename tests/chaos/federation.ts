import type { RunReport } from "../../mod.ts";
import { generateKeyPair } from "../../src/auth/mod.ts";
import { transportOf } from "../../src/net/mod.ts";
import { writePrivateKey } from "../../src/auth/key_pair.ts";
import { Member } from "../adversary/member.ts";
import { Choices, type Return, type Script } from "../adversary/choices.ts";
import { drawSettings } from "../adversary/settings.ts";
import { freePort } from "../helpers/free_port.ts";
import { Proxy } from "../helpers/proxy.ts";
import { Reveals } from "./reveals.ts";
import { pause, Supervised } from "./supervised.ts";
import { type ChaosPlan, type ChaosSettings, isAsync } from "./plan.ts";

const TLS = new URL("../fixtures/tls/", import.meta.url);
const PATH = "/federation";
const TOKEN = "a token that the clients know";
/** A client that ends well so long before the server does has left a run that is not over. */
const EARLY_MILLIS = 10_000;
/** What a member with a hand of its own does in the undisturbed run. */
const UNSOUND: Script = (_, question) =>
  question === "train" ? { act: "NaN" } : question === "evaluate" ? { act: "answer" } : undefined;
/** What it does never: these are sound. */
const SOUND = new Set([
  "answer",
  "stall",
  "dribble",
  "second update",
  "figures unasked",
  "samples",
]);

/**
 * Those of a member that never leaves for good: a run whose server was killed before its first
 * checkpoint waits for all of its clients again.
 */
class StayingChoices extends Choices {
  override ofReturn(rank: number): Return {
    const back = super.ofReturn(rank);
    return back.as === "never" ? { ...back, as: "new" } : back;
  }
}

/** A federation that is running. */
export interface Federation {
  readonly server: Supervised;
  readonly clients: readonly Supervised[];
  readonly proxies: readonly Proxy[];
  /** Folder of the server's checkpoints. */
  readonly checkpoints: string;
  /** Shares that clients reveal, where updates are masked. */
  readonly reveals: Reveals | undefined;
  isOver(): boolean;
}

/** What the processes are told of each other. */
interface Security {
  readonly server: readonly string[];
  readonly env: Record<string, string>;
  client(i: number): string[];
}

async function secure(settings: ChaosSettings, folder: string): Promise<Security> {
  switch (settings.security) {
    case "open":
      return { server: [], env: {}, client: () => [] };
    case "token":
      return { server: [], env: { FEDLAB_TOKEN: TOKEN }, client: () => [] };
    case "keys over TLS": {
      const lines: string[] = [];
      for (let i = 0; i < settings.clients; i++) {
        const { privateKeyPem, publicKey } = await generateKeyPair();
        await writePrivateKey(`${folder}/client-${i}.key`, privateKeyPem);
        lines.push(`${publicKey} client ${i}`);
      }
      await Deno.writeTextFile(`${folder}/allowed.keys`, `${lines.join("\n")}\n`);
      const key = await Deno.readTextFile(new URL("server.key", TLS));
      await Deno.writeTextFile(`${folder}/server.key`, key, { mode: 0o600 });
      const path = (name: string) => new URL(name, TLS).pathname;
      return {
        server: [
          ...["--tls-cert", path("server.pem"), "--tls-key", `${folder}/server.key`],
          ...["--allow-keys", `${folder}/allowed.keys`],
        ],
        env: {},
        client: (i) => ["--tls-ca", path("ca.pem"), "--key", `${folder}/client-${i}.key`],
      };
    }
  }
}

function addressOf({ transport, security }: ChaosSettings, hostAndPort: string): string {
  if (transport === "tcp") return hostAndPort;
  return `${security === "keys over TLS" ? "wss" : "ws"}://${hostAndPort}${PATH}`;
}

function serverArgs({ settings, rounds }: ChaosPlan, listen: string, run: string): string[] {
  const { seed, clients, strategy, quorum, model, hostile, heartbeatSeconds } = settings;
  const numbers = {
    "--world-size": clients + 1 + (hostile ? 1 : 0),
    "--seed": seed,
    // So long that a kill falls into a training more often than not.
    "--epochs": model === "mlp" ? 100 : 10,
    "--heartbeat-seconds": heartbeatSeconds,
    "--round-seconds": hostile ? 4 : 60,
    "--join-seconds": 60,
    ...(isAsync(settings)
      ? { "--versions": rounds }
      : { "--rounds": rounds, "--quorum": quorum, "--round-tries": 100 }),
  };
  return [
    ...["server", "--listen", listen, "--out", run, "--model", model, "--strategy", strategy],
    ...(isAsync(settings) ? ["--mode", "async"] : []),
    ...(settings.masked ? ["--secure-aggregation", "min=3"] : []),
    ...Object.entries(numbers).flatMap(([name, value]) => [name, String(value)]),
  ];
}

/** Whether there was a checkpoint, though it may be out of reach for a while. */
async function hasCheckpoint(run: string): Promise<boolean> {
  for (const folder of ["checkpoints", "checkpoints.away"]) {
    try {
      for await (const { name } of Deno.readDir(`${run}/${folder}`)) {
        if (name.endsWith(".safetensors")) return true;
      }
    } catch { /* there is none */ }
  }
  return false;
}

/**
 * Removes the outputs of a run that stopped, because it could not be saved, before there was any
 * checkpoint: another is begun in its place.
 */
async function forget(run: string): Promise<void> {
  for (const name of ["report.json", "model.safetensors"]) {
    await Deno.remove(`${run}/${name}`).catch(() => {});
  }
}

/** The member that is never sound: what it draws, where that cannot be taken in. */
function hostileMember(plan: ChaosPlan, address: string, isDisturbed: boolean): Member {
  const { settings: { seed, clients, transport, heartbeatSeconds } } = plan;
  const rank = clients + 1;
  const drawn = new Choices(seed);
  const script: Script = isDisturbed
    ? (rank, question, round) => {
      if (question === "exit") return undefined;
      const choice = drawn.of(rank, question, round);
      return question === "train" && SOUND.has(choice.act)
        ? UNSOUND(rank, question, round)
        : choice;
    }
    : UNSOUND;
  const settings = drawSettings(seed, { hostile: [rank], roundSeconds: 4, heartbeatSeconds });
  return new Member({
    rank,
    settings,
    choices: new StayingChoices(seed, { script }),
    transport: transportOf(transport),
    address,
  });
}

/** A federation of processes, to its end. */
export async function federate(
  plan: ChaosPlan,
  folder: string,
  disturb?: (federation: Federation) => Promise<void>,
): Promise<RunReport> {
  const { settings } = plan;
  const { clients: count } = settings;
  await Deno.mkdir(folder, { recursive: true });
  const run = `${folder}/run`, port = freePort();
  const security = await secure(settings, folder);
  const listen = addressOf(settings, `127.0.0.1:${port}`);
  const server = new Supervised("the server", {
    folder,
    env: security.env,
    args: async () => {
      const goesOn = await hasCheckpoint(run);
      if (!goesOn) await forget(run);
      return [
        ...goesOn ? ["server", "--resume", run] : serverArgs(plan, listen, run),
        ...security.server,
      ];
    },
  });
  const proxies = Array.from({ length: count }, () => new Proxy(port));
  const clients = proxies.map((proxy, i) => {
    const args = {
      "--server": addressOf(settings, proxy.address),
      "--rank": i + 1,
      "--part": `${i + 1}/${count}`,
      "--join-seconds": 60,
    };
    return new Supervised(`client ${i + 1}`, {
      folder,
      env: security.env,
      args: () =>
        Promise.resolve([
          "client",
          ...Object.entries(args).flatMap(([name, value]) => [name, String(value)]),
          ...security.client(i),
          ...(settings.masked ? ["--require-secure", "--secure-min-members", "3"] : []),
        ]),
    });
  });
  const reveals = settings.masked ? new Reveals() : undefined;
  proxies.forEach((proxy, i) => {
    if (reveals) proxy.watch = () => reveals.watch(() => `${i + 1}.${clients[i]?.starts}`);
  });
  const member = settings.hostile ? hostileMember(plan, listen, disturb !== undefined) : undefined;
  const living = member?.run();
  let isOver = false;
  const early = watchForEarlyEnds(server, clients, () => isOver);
  try {
    const checkpoints = `${run}/checkpoints`;
    const disturbing = disturb?.({
      ...{ server, clients, proxies, checkpoints, reveals },
      isOver: () => isOver,
    });
    // It waits for it only at the end.
    disturbing?.catch(() => {});
    const failing = clients.map(({ ended }) => ended.then(() => server.ended));
    await Promise.race([server.ended, early, ...failing]);
    isOver = true;
    await disturbing;
    for (const proxy of proxies) proxy.delayMillis = 0;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${server.last}`, {
      cause: error,
    });
  } finally {
    isOver = true;
    server.stop();
    for (const client of clients) client.stop();
    member?.stop();
    await Promise.allSettled([server.ended, ...clients.map(({ ended }) => ended), living, early]);
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
  if (reveals?.count === 0) throw new Error("no shares were revealed");
  if (reveals && reveals.faults.length > 0) throw new Error(reveals.faults.join("; "));
  return JSON.parse(await Deno.readTextFile(`${run}/report.json`));
}

/**
 * Rejects when a client leaves the run as if it were over while it is not; else never does
 * anything.
 */
async function watchForEarlyEnds(
  server: Supervised,
  clients: readonly Supervised[],
  isOver: () => boolean,
): Promise<void> {
  const since = new Map<Supervised, number>();
  while (!isOver() && !server.isDone) {
    await pause(200);
    for (const client of clients) {
      if (!client.isDone || server.isDone || isOver()) continue;
      const began = since.get(client) ?? performance.now();
      since.set(client, began);
      if (performance.now() - began < EARLY_MILLIS) continue;
      throw new Error(`${client.name} has ended as if the run were over: ${client.last}`);
    }
  }
  await server.ended;
}
