import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { DeadlineError, MessageCode } from "../../mod.ts";
import { type Channel, Connection } from "../../src/net/mod.ts";
import type { Message } from "../../src/wire/mod.ts";
import { frameOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Silence of six of these is borne. */
const HEARTBEAT_SECONDS = 0.02;

/**
 * A channel whose other end sends a frame in pieces of so many bytes, one every so many
 * milliseconds.
 */
function tricklingChannel(message: Message, pieceBytes: number, everyMillis: number): Channel {
  const frame = frameOf(message);
  let at = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  return {
    remote: "trickle",
    async read(into) {
      const waited = Promise.withResolvers<void>();
      timer = setTimeout(waited.resolve, everyMillis);
      await Promise.race([waited.promise, closed.promise]);
      if (at === frame.length) return null;
      const piece = frame.subarray(at, at + Math.min(pieceBytes, into.length));
      into.set(piece);
      at += piece.length;
      return piece.length;
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close() {
      clearTimeout(timer);
      closed.reject(new Error("closed"));
    },
  };
}

function updateOf(length: number): Message {
  const parameters = new Float32Array(length);
  return { code: MessageCode.ParameterUpdate, payload: { round: 1, numSamples: 1, parameters } };
}

async function receiveFrom(channel: Channel, place?: () => Promise<Uint8Array<ArrayBuffer>>) {
  const connection = new Connection(channel, { heartbeatSeconds: HEARTBEAT_SECONDS });
  try {
    return await connection.receive(place ? { place } : {});
  } finally {
    connection.abort(new Error("the test is over"));
  }
}

Deno.test("Connection gives a peer up that sends a control frame byte by byte", async () => {
  const agent = "a".repeat(200);
  const slow = tricklingChannel({ code: MessageCode.Registration, payload: { agent } }, 1, 5);
  await assertRejects(() => receiveFrom(slow), DeadlineError, "bytes of a frame's body came in");
});

Deno.test("Connection gives a peer up that does not get through a frame's prefix", async () => {
  const slow = tricklingChannel({ code: MessageCode.Heartbeat, payload: {} }, 1, 60);
  await assertRejects(() => receiveFrom(slow), DeadlineError, "0 bytes of a frame's body came in");
});

Deno.test("Connection gives a peer up whose vector comes in too slowly, though it is never silent", async () => {
  const slow = tricklingChannel(updateOf(20_000), 16, 5);
  await assertRejects(() => receiveFrom(slow), DeadlineError, "expected at least 16384 a second");
});

Deno.test("Connection bears a vector that takes much longer than silence may, at a fair rate", async () => {
  const began = performance.now();
  const received = await receiveFrom(tricklingChannel(updateOf(20_000), 2048, 10));
  assertEquals(received?.message?.code, MessageCode.ParameterUpdate);
  assert(performance.now() - began > 2 * 6 * HEARTBEAT_SECONDS * 1000);
});

Deno.test("Connection does not count the time in which it does not read itself", async () => {
  const channel = tricklingChannel(updateOf(1000), 1024, 1);
  const received = await receiveFrom(channel, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Three times the grace.
    setTimeout(resolve, 3 * 6 * HEARTBEAT_SECONDS * 1000);
    await promise;
    return new Uint8Array(8192);
  });
  assertEquals(received?.message?.code, MessageCode.ParameterUpdate);
});
