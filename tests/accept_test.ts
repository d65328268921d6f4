import { assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { type Channel, type Listener, silentLogger } from "../mod.ts";
import { PeerLog, STRANGER_LINES } from "../src/_peer_log.ts";
import { DEFAULT_PEER_LIMITS } from "../src/server/_gate.ts";
import { Sessions } from "../src/server/_sessions.ts";
import { DEFAULT_TIMEOUTS } from "../src/net/timeouts.ts";

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

function sessionsOf(strangers: PeerLog): Sessions {
  const unused = () => {
    throw new Error("nobody joins");
  };
  return new Sessions({
    worldSize: 2,
    seats: undefined,
    door: {
      gatekeeper: { kind: "open" },
      serverName: "localhost",
      get welcome() {
        return unused();
      },
      awaits: unused,
    },
    limits: DEFAULT_PEER_LIMITS,
    timeouts: { ...DEFAULT_TIMEOUTS, drainSeconds: 0.05 },
    peers: { members: strangers, strangers },
    progress: () => 0,
    hooks: {
      place: unused,
      release: unused,
      message: unused,
      joined: unused,
      away: unused,
      lost: unused,
      refused: unused,
      forgiven: unused,
      turnedAway: () => {},
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
    const began = performance.now();
    await sessions.accept(listener);
    assertEquals(
      listener.closed.slice(0, 10),
      Array.from({ length: 10 }, (_, i) => `tcp 10.0.0.1:${20 - i}`),
    );
    // Where nothing can be closed it waits for half a second.
    assertEquals(performance.now() - began < 400, true);
    assertMatch(said.join(), /Cannot accept clients for now: Too many open files/);
    await sessions.dismiss("the test is over", true);
  });
}

Deno.test("a server that cannot accept for another reason closes nobody", async () => {
  const listener = new FailingListener(20, [new Error("no")]);
  using strangers = new PeerLog(silentLogger, STRANGER_LINES);
  const sessions = sessionsOf(strangers);
  await sessions.accept(listener);
  assertEquals(listener.closed, []);
  await sessions.dismiss("the test is over", true);
});
