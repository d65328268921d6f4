import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { silentLogger } from "../../mod.ts";
import {
  type Channel,
  type Listener,
  tcpTransport,
  websocketTransport,
} from "../../src/net/mod.ts";
import { replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { PeerLog, STRANGER_LINES } from "../../src/base/log/peer_log.ts";
import { DEFAULT_PEER_LIMITS } from "../../src/server/sessions/peer_limits.ts";
import { SchemaAgreement } from "../../src/server/sessions/schema_agreement.ts";
import { Sessions } from "../../src/server/sessions/sessions.ts";
import { DEFAULT_TIMEOUTS, SILENT_HEARTBEATS, type Timeouts } from "../../src/net/timeouts.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Accepts so many silent strangers, then fails as told, and is closed. */
class FailingListener implements Listener {
  readonly address = "here";
  readonly closed: string[] = [];
  #left: number;
  #errors: Error[];

  constructor(strangers: number, errors: Error[]) {
    this.#left = strangers;
    this.#errors = errors;
  }

  accept(): Promise<Channel | null> {
    if (this.#left > 0) return Promise.resolve(this.#stranger(this.#left--));
    const error = this.#errors.shift();
    return error === undefined ? Promise.resolve(null) : Promise.reject(error);
  }

  close(): void {}

  #stranger(port: number): Channel {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    const remote = `tcp 10.0.0.1:${port}`;
    const close = () => {
      this.closed.push(remote);
      reject(new Error("it was closed"));
    };
    const write = () => Promise.resolve();
    return { remote, read: () => promise, write, closeWrite: write, close };
  }
}

function sessionsOf(strangers: PeerLog, timeouts: Partial<Timeouts> = {}): Sessions {
  const unused = () => {
    throw new Error("nobody joins");
  };
  return new Sessions({
    worldSize: 2,
    saved: undefined,
    keptRanks: undefined,
    joinOptions: {
      gatekeeper: { kind: "open" },
      serverName: "localhost",
      schemas: new SchemaAgreement(undefined),
      get reply() {
        return unused();
      },
    },
    limits: DEFAULT_PEER_LIMITS,
    timeouts: { ...DEFAULT_TIMEOUTS, drainSeconds: 0.05, ...timeouts },
    peers: { members: strangers, strangers },
    listener: {
      progress: () => 0,
      pendingRound: unused,
      place: unused,
      release: unused,
      receive: unused,
      joined: unused,
      disconnected: unused,
      left: unused,
      messageRefused: unused,
      recovered: unused,
      peerRefused: () => {},
      keysChanged: unused,
    },
  });
}

for (const code of ["EMFILE", "ENFILE"]) {
  Deno.test(`a server that cannot accept for ${code} closes the older half of the unregistered at once`, async () => {
    const error = Object.assign(new Error("Too many open files (os error 24)"), { code });
    const listener = new FailingListener(20, [error]);
    const said: string[] = [];
    const warn = (text: string) => void said.push(text);
    using strangers = new PeerLog({ ...silentLogger, warn }, STRANGER_LINES);
    const sessions = sessionsOf(strangers);
    const { timers } = runtime;
    const waits: number[] = [];
    {
      using _ = replaceRuntime({
        timers: {
          ...timers,
          setTimeout: (callback, millis = 0) => {
            waits.push(millis);
            return timers.setTimeout(callback, millis);
          },
        },
      });
      await sessions.accept(listener);
    }
    assertEquals(
      listener.closed.slice(0, 10),
      Array.from({ length: 10 }, (_, i) => `tcp 10.0.0.1:${20 - i}`),
    );
    // Where nothing can be closed it waits for half a second.
    assert(waits.includes(0) && !waits.includes(500), `it waited for ${waits} ms`);
    assertMatch(said.join(), /Cannot accept clients for now: Too many open files/);
    await sessions.closeAll({ reason: "the test is over", over: true });
  });
}

for (
  const [name, transport, address] of [
    ["tcp", tcpTransport, "127.0.0.1:0"],
    ["websocket", websocketTransport(), "ws://127.0.0.1:0/federation"],
  ] as const
) {
  Deno.test(`${name}: accept() asks who is welcome by what would be the channel's remote end, and closes the others`, async () => {
    const listener = await transport.listen(address);
    const port = Number(/:(\d+)/.exec(listener.address.slice(5))?.[1]);
    const asked: string[] = [];
    const accepting = listener.accept((remote) => asked.push(remote) === 3);
    const closed: (number | null)[] = [];
    for (let i = 0; i < 2; i++) {
      using refused = await Deno.connect({ hostname: "127.0.0.1", port });
      closed.push(await refused.read(new Uint8Array(1)));
    }
    assertEquals(closed, [null, null]);
    using welcome = await Deno.connect({ hostname: "127.0.0.1", port });
    const { port: own } = welcome.localAddr as Deno.NetAddr;
    const channel = await accepting;
    assertEquals([asked.length, asked[2], channel?.remote], [
      3,
      `${name} 127.0.0.1:${own}`,
      `${name} 127.0.0.1:${own}`,
    ]);
    channel?.close();
    listener.close();
  });
}

for (
  const [said, silentSeconds, joinSeconds, expected] of [
    ["", 0.05, 1, /: Lost the connection to tcp \S+: nothing heard for 0\.05 seconds/],
    ["FLab", 0.05, 1, /nothing heard for 0\.05 seconds/],
    ["FLab", 1, 0.05, /it did not finish its registration in time/],
  ] as const
) {
  Deno.test(`a stranger that says ${JSON.stringify(said)} is given up after ${silentSeconds} seconds of silence or ${joinSeconds} in all`, async () => {
    const warned = Promise.withResolvers<string>();
    const warn = (text: string) => warned.resolve(text);
    using strangers = new PeerLog({ ...silentLogger, warn }, STRANGER_LINES);
    const timeouts = { heartbeatSeconds: silentSeconds / SILENT_HEARTBEATS, joinSeconds };
    const sessions = sessionsOf(strangers, timeouts);
    const listener = await tcpTransport.listen("127.0.0.1:0");
    const accepting = sessions.accept(listener);
    const [hostname = "", port] = listener.address.split(":");
    using peer = await Deno.connect({ hostname, port: Number(port) });
    await peer.write(new TextEncoder().encode(said));
    assertMatch(await warned.promise, expected);
    assertEquals(await peer.read(new Uint8Array(1)), null);
    listener.close();
    await accepting;
    await sessions.closeAll({ reason: "the test is over", over: true });
  });
}

Deno.test("a server that cannot accept for another reason closes nobody", async () => {
  const listener = new FailingListener(20, [new Error("no")]);
  using strangers = new PeerLog(silentLogger, STRANGER_LINES);
  const sessions = sessionsOf(strangers);
  await sessions.accept(listener);
  assertEquals(listener.closed, []);
  await sessions.closeAll({ reason: "the test is over", over: true });
});
