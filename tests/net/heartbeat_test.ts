import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { DeadlineError, MessageCode } from "../../mod.ts";
import { replaceRuntime, runtime, type Timer } from "../../src/base/runtime/runtime.ts";
import { Heartbeat } from "../../src/net/heartbeat.ts";
import { ReceiveProgress } from "../../src/net/receive_progress.ts";
import { type Channel, Connection, tcpTransport } from "../../src/net/mod.ts";
import { frameOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Silence of six of these is borne. */
const HEARTBEAT_SECONDS = 0.05;

/** Returns two connected ends over TCP. */
async function connectedPair(heartbeatSeconds: number): Promise<[Connection, Connection]> {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const [near, far] = await Promise.all([
    tcpTransport.connect(listener.address),
    listener.accept(),
  ]);
  listener.close();
  if (far === null) throw new Error("Cannot connect");
  return [new Connection(near, { heartbeatSeconds }), new Connection(far)];
}

/** Blocks the event loop. */
function block(millis: number): void {
  const end = performance.now() + millis;
  while (performance.now() < end);
}

Deno.test("Connection gives nobody up whose bytes came while the event loop was blocked", async () => {
  const [near, far] = await connectedPair(HEARTBEAT_SECONDS);
  const exit = { code: MessageCode.Exit, payload: { reason: "the end" } } as const;
  try {
    const received = near.receive();
    // Each pause alone is within the limit, or far beyond it: the timer fires before the read ends.
    for (const beats of [20, 5, 5, 5, 30]) {
      // The bytes are written, and not read before the pause ends.
      const sending = far.send({ code: MessageCode.Heartbeat, payload: {} });
      block(beats * HEARTBEAT_SECONDS * 1000);
      await sending;
      await new Promise((resolve) => setTimeout(resolve));
    }
    const sending = far.send(exit);
    block(10 * HEARTBEAT_SECONDS * 1000);
    await sending;
    assertEquals((await received)?.message?.code, MessageCode.Exit);
  } finally {
    near.abort(new Error("the test is over"));
    far.abort(new Error("the test is over"));
  }
});

/** Clock that moves by hand, with timers that fire when the event loop is not blocked. */
class ManualTime implements Disposable {
  now = 0;
  readonly #timers = new Map<number, { at: number; every: number | undefined; call: () => void }>();
  readonly #replaced: Disposable;
  #last = 0;

  constructor() {
    const add = (call: () => void, millis = 0, every?: number) => {
      this.#timers.set(++this.#last, { at: this.now + millis, every, call });
      return this.#last as unknown as Timer;
    };
    const remove = (timer?: Timer) => void this.#timers.delete(timer as unknown as number);
    this.#replaced = replaceRuntime({
      clock: { ...runtime.clock, now: () => this.now },
      timers: {
        setInterval: (call, millis) => add(call, millis, millis),
        clearInterval: remove,
        setTimeout: (call, millis) => add(call, millis),
        clearTimeout: remove,
      },
    });
  }

  /** Lets time pass, with the timers at their times. */
  pass(millis: number): void {
    for (const end = this.now + millis; this.now < end;) {
      this.now = Math.min(end, ...[...this.#timers.values()].map(({ at }) => at));
      this.#fire();
    }
  }

  /** Lets time pass in which nothing runs; then each timer that is due fires once. */
  block(millis: number): void {
    this.now += millis;
    this.#fire();
  }

  #fire(): void {
    for (const [id, timer] of [...this.#timers]) {
      if (timer.at > this.now) continue;
      if (timer.every === undefined) this.#timers.delete(id);
      else timer.at = this.now + timer.every;
      timer.call();
    }
  }

  [Symbol.dispose](): void {
    this.#replaced[Symbol.dispose]();
  }
}

/** Starts a heartbeat of 1 s on a connection that reads, and returns what it does. */
function started(time: ManualTime) {
  const progress = new ReceiveProgress(), reasons: string[] = [];
  const heartbeat = new Heartbeat({
    isWriting: () => true,
    sendHeartbeat: () => {},
    giveUp: (reason) => void reasons.push(reason),
  }, progress);
  heartbeat.start(1);
  progress.beginWait(time.now);
  const read = () => {
    progress.endWait(time.now);
    progress.beginWait(time.now);
  };
  return { heartbeat, progress, read, reasons };
}

Deno.test("Heartbeat reads what has come in a pause before it gives the peer up", () => {
  for (const millis of [1000, 1500, 1900, 2500, 60_000]) {
    using time = new ManualTime();
    const { heartbeat, read, reasons } = started(time);
    time.pass(5500);
    // Timers fire first after the pause, then the reads end.
    time.block(millis);
    read();
    time.pass(4000);
    assertEquals(reasons, [], `${millis}`);
    heartbeat.stop();
  }
});

Deno.test("Heartbeat gives nobody up who is read between two pauses", () => {
  using time = new ManualTime();
  const { heartbeat, read, reasons } = started(time);
  for (let i = 0; i < 50; i++) {
    time.block(7000);
    read();
  }
  assertEquals(reasons, []);
  heartbeat.stop();
});

Deno.test("Heartbeat does not count a pause in the middle of a frame, whichever is first after it", () => {
  for (const isReadFirst of [true, false]) {
    using time = new ManualTime();
    const { heartbeat, progress, read, reasons } = started(time);
    progress.beginFrame();
    time.pass(1000);
    time.now += 60_000;
    if (isReadFirst) read();
    time.block(0);
    if (!isReadFirst) read();
    time.pass(3000);
    assertEquals(reasons, []);
    heartbeat.stop();
  }
});

Deno.test("Heartbeat gives a silent peer up within two intervals of the limit", () => {
  using time = new ManualTime();
  const { heartbeat, reasons } = started(time);
  time.pass(6000);
  assertEquals(reasons, []);
  time.pass(2000);
  assertEquals(reasons, ["nothing heard for 6 seconds"]);
  heartbeat.stop();
});

Deno.test("Connection gives a silent peer up after pauses of the event loop too", async () => {
  const [near, far] = await connectedPair(HEARTBEAT_SECONDS);
  try {
    const received = near.receive();
    block(10 * HEARTBEAT_SECONDS * 1000);
    await assertRejects(() => received, DeadlineError, "nothing heard for 0.3 seconds");
  } finally {
    near.abort(new Error("the test is over"));
    far.abort(new Error("the test is over"));
  }
});

Deno.test("a connection that has waited for long keeps nothing of the heartbeats", async () => {
  const heartbeat = frameOf({ code: MessageCode.Heartbeat, payload: {} });
  const last = frameOf({ code: MessageCode.Exit, payload: { reason: "over" } });
  let left = 1000, turns = 0, isOver = false;
  const count = () => {
    if (isOver) return;
    turns++;
    queueMicrotask(count);
  };
  const channel: Channel = {
    remote: "fake",
    read: (into) => {
      const frame = left-- > 0 ? heartbeat : last;
      if (frame === last) count();
      into.set(frame);
      return Promise.resolve(frame.length);
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };
  const received = await new Connection(channel).receive();
  isOver = true;
  assertEquals(received?.message?.code, MessageCode.Exit);
  // Promises that wait for one another end one after the other.
  assert(turns < 100, `the message took ${turns} turns`);
});
