import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "jsr:@std/assert@1.0.19";
import { ConnectionClosedError, DeadlineError, ProtocolError } from "../../src/base/errors.ts";
import { Connection, type ConnectionOptions, type Received } from "../../src/net/connection.ts";
import type { Channel, Listener, Transport } from "../../src/net/transport.ts";
import { encodeFrame, FIELDS_BYTES, PREFIX_BYTES } from "../../src/wire/frame.ts";
import { MessageCode } from "../../src/wire/message_code.ts";
import type { Message } from "../../src/wire/messages.ts";

/** Values of the large vector: 8 MB, more than any socket buffers. */
const LARGE = 2_000_000;
/** Long enough for a busy machine to say something ten times over. */
const HEARTBEAT_SECONDS = 0.05;

const exit = (reason: string): Message => ({ code: MessageCode.Exit, payload: { reason } });

function update(round: number, parameters: Float32Array<ArrayBuffer>): Message {
  return { code: MessageCode.ParameterUpdate, payload: { round, parameters } };
}

function frameOf(message: Message): Uint8Array<ArrayBuffer> {
  const pieces = encodeFrame(message);
  const frame = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

function vectorOf(received: Received | null): Float32Array<ArrayBuffer> {
  const message = received?.message;
  assert(message?.code === MessageCode.ParameterUpdate, "a ParameterUpdate came");
  return message.payload.parameters;
}

/** Compares as bytes: an element by element comparison of 2 million values would be the slowest part of the suite. */
function assertSameVector(
  got: Float32Array<ArrayBuffer>,
  expected: Float32Array<ArrayBuffer>,
): void {
  assertEquals(got.length, expected.length);
  assert(got.every((x, i) => x === expected[i]), "the vector came whole");
}

/** A promise, and whether it is still pending. */
function watch<T>(promise: Promise<T>): { promise: Promise<T>; settled: () => boolean } {
  let done = false;
  const settle = () => done = true;
  promise.then(settle, settle);
  return { promise, settled: () => done };
}

async function accepted(listener: Listener): Promise<Channel> {
  const channel = await listener.accept();
  assert(channel !== null, "a channel was accepted");
  return channel;
}

/** A listener and both ends of one channel to it, closed at the end of the scope. */
async function openChannels(
  transport: Transport,
  address: string,
): Promise<{ near: Channel; far: Channel } & Disposable> {
  const listener = await transport.listen(address);
  const [near, far] = await Promise.all([transport.connect(listener.address), accepted(listener)]);
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.close();
      far.close();
      listener.close();
    },
  };
}

/** Two connections that talk to each other, ended at the end of the scope. */
async function openPair(
  transport: Transport,
  address: string,
  options: { near?: ConnectionOptions; far?: ConnectionOptions } = {},
): Promise<{ near: Connection; far: Connection } & Disposable> {
  const channels = await openChannels(transport, address);
  const near = new Connection(channels.near, options.near);
  const far = new Connection(channels.far, options.far);
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.abort(new Error("The test is over"));
      far.abort(new Error("The test is over"));
      channels[Symbol.dispose]();
    },
  };
}

/**
 * Registers the tests that every transport passes. `address` is one to listen on; each test listens anew. `settled` waits for what is closed to be gone,
 * where that takes time.
 */
export function connectionCompliance(
  name: string,
  transport: Transport,
  address: string,
  settled: () => Promise<void> = () => Promise.resolve(),
): void {
  const test = (claim: string, run: () => Promise<void>) =>
    Deno.test(`${name}: ${claim}`, async () => {
      await run();
      await settled();
    });
  const pair = (options?: Parameters<typeof openPair>[2]) => openPair(transport, address, options);

  // Listening and connecting

  test("listen() gives an address to which clients can connect", async () => {
    const listener = await transport.listen(address);
    const [near, far] = await Promise.all([
      transport.connect(listener.address),
      accepted(listener),
    ]);
    assert(!listener.address.endsWith(":0"), "the port is the real one");
    assert(near.remote.startsWith(`${transport.name} `), near.remote);
    for (const one of [near, far, listener]) one.close();
  });

  test("connect() rejects where nobody listens, and names the address", async () => {
    const listener = await transport.listen(address);
    listener.close();
    const error = await assertRejects(
      () => transport.connect(listener.address),
      ConnectionClosedError,
    );
    assertEquals(error.message, `Cannot connect to ${listener.address}: no server answers there`);
  });

  test("connect() rejects with the reason of a signal that is aborted already", async () => {
    const listener = await transport.listen(address);
    const reason = new Error("The user pressed Ctrl-C");
    const error = await assertRejects(() =>
      transport.connect(listener.address, { signal: AbortSignal.abort(reason) })
    );
    assertStrictEquals(error, reason);
    listener.close();
  });

  test("listen() refuses an address on which something listens", async () => {
    const listener = await transport.listen(address);
    const error = await assertRejects(async () => await transport.listen(listener.address), Error);
    assert(error.message.startsWith(`Cannot listen on ${listener.address}: `), error.message);
    assert(!error.message.includes("\n"));
    listener.close();
  });

  test("an address is free again once its listener is closed", async () => {
    const first = await transport.listen(address);
    first.close();
    const second = await transport.listen(first.address);
    assertEquals(second.address, first.address);
    second.close();
  });

  test("accept() gives null once the listener is closed, pending or not", async () => {
    const listener = await transport.listen(address);
    const pending = [listener.accept(), listener.accept()];
    listener.close();
    listener.close();
    assertEquals(await Promise.all(pending), [null, null]);
    assertEquals(await listener.accept(), null);
  });

  test("channels live on when their listener is closed", async () => {
    const listener = await transport.listen(address);
    const [near, far] = await Promise.all([
      transport.connect(listener.address),
      accepted(listener),
    ]);
    listener.close();
    await near.write(Uint8Array.of(1, 2, 3));
    const into = new Uint8Array(8);
    assertEquals(await far.read(into), 3);
    near.close();
    far.close();
  });

  // Messages

  test("messages arrive whole and in order, both ways", async () => {
    using ends = await pair();
    const parameters = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
    const messages = [
      exit("first"),
      update(1, parameters),
      exit("x".repeat(1024)),
      update(2, parameters),
    ];
    for (const [from, to] of [[ends.near, ends.far], [ends.far, ends.near]] as const) {
      const sent = Promise.all(messages.map((message) => from.send(message)));
      for (const message of messages) assertEquals((await to.receive())?.message, message);
      await sent;
    }
  });

  test("many small messages at once arrive in order", async () => {
    using ends = await pair();
    const count = 2000;
    const sent = Array.from({ length: count }, (_, i) => ends.near.send(exit(String(i))));
    for (let i = 0; i < count; i++) {
      assertEquals((await ends.far.receive())?.message, exit(String(i)));
    }
    await Promise.all(sent);
  });

  test("a large vector both ways at the same time arrives whole", async () => {
    using ends = await pair();
    const up = Float32Array.from({ length: LARGE }, (_, i) => i);
    const down = Float32Array.from({ length: LARGE }, (_, i) => -i);
    const [atFar, atNear] = await Promise.all([
      ends.far.receive(),
      ends.near.receive(),
      ends.near.send(update(1, up)),
      ends.far.send(update(1, down)),
    ]);
    assertSameVector(vectorOf(atFar), up);
    assertSameVector(vectorOf(atNear), down);
  });

  test("bytesSent and bytesReceived agree, and count the whole frames", async () => {
    using ends = await pair();
    const messages = [exit("over"), update(1, new Float32Array(100_000))];
    const sent = Promise.all(messages.map((message) => ends.near.send(message)));
    for (const _ of messages) await ends.far.receive();
    await sent;
    const length = messages.reduce((sum, message) => sum + frameOf(message).length, 0);
    assertEquals([ends.near.bytesSent, ends.far.bytesReceived], [length, length]);
    assertEquals([ends.far.bytesSent, ends.near.bytesReceived], [0, 0]);
  });

  test("a frame that comes byte by byte is read", async () => {
    using ends = await openChannels(transport, address);
    await using far = new Connection(ends.far);
    const received = far.receive();
    const message = update(3, new Float32Array([1, 2, 3]));
    for (const byte of frameOf(message)) await ends.near.write(Uint8Array.of(byte));
    assertEquals((await received)?.message, message);
    ends.near.close();
  });

  // Where bodies go

  test("place() is told of the frame and gives the memory in which the tensor then lies", async () => {
    using ends = await pair();
    const parameters = Float32Array.from({ length: 50_000 }, (_, i) => i);
    const arena = new ArrayBuffer(parameters.byteLength + FIELDS_BYTES + 64);
    const sent = ends.near.send(update(1, parameters));
    const headers: unknown[] = [];
    const received = await ends.far.receive({
      place: (header) => {
        headers.push(header);
        return new Uint8Array(arena, 64);
      },
    });
    await sent;
    assertEquals(headers, [received?.header]);
    assertEquals(received?.header.code, MessageCode.ParameterUpdate);
    const vector = vectorOf(received);
    assertStrictEquals(vector.buffer, arena);
    assertSameVector(vector, parameters);
  });

  test("place() is not asked about a message that carries no vector", async () => {
    using ends = await pair();
    await ends.near.send(exit("over"));
    const place = () => {
      throw new Error("place() was asked");
    };
    assertEquals((await ends.far.receive({ place }))?.message, exit("over"));
  });

  test("place() that gives undefined skips the body, and the next message arrives", async () => {
    using ends = await pair();
    const sent = Promise.all([
      ends.near.send(update(1, new Float32Array(LARGE))),
      ends.near.send(update(2, new Float32Array(3))),
      ends.near.send(exit("over")),
    ]);
    for (const length of [LARGE, 3]) {
      const received = await ends.far.receive({ place: () => undefined });
      assertEquals(received?.message, undefined);
      assertEquals(received?.header.code, MessageCode.ParameterUpdate);
      assert((received?.header.bodyLength ?? 0) > 4 * length);
    }
    assertEquals((await ends.far.receive())?.message, exit("over"));
    await sent;
  });

  test("place() that throws rejects receive() with its error", async () => {
    using ends = await pair();
    await ends.near.send(update(1, new Float32Array(3)));
    const error = new ProtocolError("unexpected-code", "Cannot take it: not now");
    const place = () => Promise.reject(error);
    assertStrictEquals(await assertRejects(() => ends.far.receive({ place })), error);
  });

  test("place() that gives too short a buffer is told so", async () => {
    using ends = await pair();
    await ends.near.send(update(1, new Float32Array(3)));
    await assertRejects(
      () => ends.far.receive({ place: () => new Uint8Array(8) }),
      RangeError,
      "got 8",
    );
  });

  test("while place() has not resolved, the sender of a large vector has to wait", async () => {
    using ends = await pair();
    const asked = Promise.withResolvers<void>();
    const buffer = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const sent = watch(ends.near.send(update(1, new Float32Array(LARGE))));
    const received = ends.far.receive({
      place: () => {
        asked.resolve();
        return buffer.promise;
      },
    });
    await asked.promise;
    // The other direction is open all the while, and shows that time has passed.
    for (let i = 0; i < 20; i++) {
      await ends.far.send(exit(String(i)));
      assertEquals((await ends.near.receive())?.message, exit(String(i)));
    }
    assert(!sent.settled(), "the send is still pending");
    buffer.resolve(new Uint8Array(4 * LARGE + FIELDS_BYTES));
    assertEquals(vectorOf(await received).length, LARGE);
    await sent.promise;
  });

  // Peers that break the protocol

  const BROKEN: readonly [what: string, bytes: Uint8Array<ArrayBuffer>, fault: string][] = [
    ["another protocol", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "bad-magic"],
    ["another version", corrupted(exit("x"), 4, 9), "unsupported-version"],
    ["another code", corrupted(exit("x"), 6, 99), "unknown-code"],
    ["too long a frame", corrupted(exit("x"), 15, 0xFF), "frame-too-large"],
    ["a broken body", corrupted(exit("x"), PREFIX_BYTES, 0xFF), "malformed-body"],
    ["an unfit field", corrupted(exit("x"), PREFIX_BYTES + 2, 0x78), "invalid-field"],
  ];
  for (const [what, bytes, fault] of BROKEN) {
    test(`${what} rejects receive() with ${fault}, and the listener still accepts others`, async () => {
      const listener = await transport.listen(address);
      const [bad, far] = await Promise.all([
        transport.connect(listener.address),
        accepted(listener),
      ]);
      const connection = new Connection(far);
      await bad.write(bytes);
      const error = await assertRejects(() => connection.receive(), ProtocolError);
      assertEquals(error.fault, fault);
      const [good, next] = await Promise.all([
        transport.connect(listener.address),
        accepted(listener),
      ]);
      const other = new Connection(next);
      await good.write(frameOf(exit("still here")));
      assertEquals((await other.receive())?.message, exit("still here"));
      connection.abort(error);
      other.abort(error);
      for (const one of [bad, good, listener]) one.close();
    });
  }

  test("refuse() lets the peer read the Error, then the end", async () => {
    using ends = await pair();
    const error = new ProtocolError("rank-taken", "Cannot join: rank 1 is taken by another client");
    const refused = ends.far.refuse(error);
    assertEquals((await ends.near.receive())?.message, {
      code: MessageCode.Error,
      payload: { fault: error.fault, message: error.message, fatal: true },
    });
    assertEquals(await ends.near.receive(), null);
    await Promise.all([refused, ends.near.close()]);
  });

  test("refuse() reaches a peer that is still sending a large vector", async () => {
    using ends = await pair();
    const sent = watch(ends.near.send(update(1, new Float32Array(LARGE))));
    await assertRejects(() =>
      ends.far.receive({
        place: () => {
          throw new ProtocolError("frame-too-large", "Cannot read it: too large");
        },
      }), ProtocolError);
    const refused = ends.far.refuse(
      new ProtocolError("frame-too-large", "Cannot read it: too large"),
    );
    const received = await ends.near.receive();
    assert(received?.message?.code === MessageCode.Error);
    assertEquals(received.message.payload.fault, "frame-too-large");
    await sent.promise;
    await Promise.all([refused, ends.near.close()]);
  });

  test("the end inside a prefix or a body is a truncated-frame, between two frames it is null", async () => {
    const frame = frameOf(update(1, new Float32Array(100_000)));
    for (
      const length of [0, 1, PREFIX_BYTES - 1, PREFIX_BYTES, PREFIX_BYTES + 1, frame.length - 1]
    ) {
      using ends = await openChannels(transport, address);
      const far = new Connection(ends.far);
      // Written in parallel: the last ones are more than a buffer holds.
      const written = ends.near.write(frame.subarray(0, length)).then(() => ends.near.closeWrite());
      if (length === 0) assertEquals(await far.receive(), null);
      else {
        const error = await assertRejects(() => far.receive(), ProtocolError);
        assertEquals(error.fault, "truncated-frame", `cut at ${length}`);
      }
      await written;
      far.abort(new Error("The test is over"));
    }
  });

  test("the end inside a body that is skipped is a truncated-frame as well", async () => {
    using ends = await openChannels(transport, address);
    const far = new Connection(ends.far);
    const frame = frameOf(update(1, new Float32Array(1000)));
    await ends.near.write(frame.subarray(0, frame.length - 1));
    await ends.near.closeWrite();
    const error = await assertRejects(() => far.receive({ place: () => undefined }), ProtocolError);
    assertEquals(error.fault, "truncated-frame");
    far.abort(error);
  });

  test("a peer that dies in the middle of a vector leaves no message behind", async () => {
    using ends = await pair();
    const asked = Promise.withResolvers<void>();
    const buffer = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const vector = new Float32Array(LARGE);
    const sent = assertRejects(() => ends.near.send(update(1, vector)));
    const received = assertRejects(() =>
      ends.far.receive({
        place: () => {
          asked.resolve();
          return buffer.promise;
        },
      })
    );
    await asked.promise;
    ends.near.abort(new Error("The client was killed"));
    await sent;
    vector.fill(7);
    buffer.resolve(new Uint8Array(4 * LARGE + FIELDS_BYTES));
    const error = await received;
    assert(
      error instanceof ConnectionClosedError ||
        error instanceof ProtocolError && error.fault === "truncated-frame",
      String(error),
    );
  });

  // Ends

  test("close() lets what was sent arrive, then gives the peer null", async () => {
    using ends = await pair();
    const parameters = Float32Array.from({ length: LARGE }, (_, i) => i);
    const sent = Promise.all([
      ends.near.send(exit("last words")),
      ends.near.send(update(1, parameters)),
    ]);
    const closed = ends.near.close(30);
    assertEquals((await ends.far.receive())?.message, exit("last words"));
    assertSameVector(vectorOf(await ends.far.receive()), parameters);
    assertEquals(await ends.far.receive(), null);
    await sent;
    await Promise.all([closed, ends.far.close()]);
  });

  test("close() waits for the peer to close, reads what still comes, and may be called again", async () => {
    using ends = await pair();
    const closed = watch(Promise.all([ends.near.close(30), ends.near.close(30)]));
    assertEquals(await ends.far.receive(), null);
    for (let i = 0; i < 20; i++) await ends.far.send(update(i + 1, new Float32Array(100_000)));
    assert(!closed.settled(), "the other end is still open");
    await Promise.all([ends.far.close(30), closed.promise]);
  });

  test("close() while a receive is pending takes the peer's last message to it", async () => {
    using ends = await pair();
    const received = ends.near.receive();
    const closed = watch(ends.near.close(30));
    assertEquals(await ends.far.receive(), null);
    assert(!closed.settled(), "the other end is still open");
    await ends.far.send(exit("last words"));
    assertEquals((await received)?.message, exit("last words"));
    await assertRejects(() => ends.near.receive(), ConnectionClosedError, "closed on this side");
    await Promise.all([ends.far.close(30), closed.promise]);
  });

  test("close() ends by itself when the peer stays", async () => {
    using ends = await pair();
    const received = assertRejects(() => ends.near.receive(), ConnectionClosedError);
    await ends.near.close(0.01);
    await received;
    assertEquals(await ends.far.receive(), null);
  });

  test("close() ends by itself when the peer does not read", async () => {
    using ends = await pair();
    const sent = assertRejects(
      () => ends.near.send(update(1, new Float32Array(LARGE))),
      ConnectionClosedError,
    );
    await ends.near.close(0.01);
    await sent;
  });

  test("abort() rejects what is pending with its reason; a second one changes nothing", async () => {
    using ends = await pair();
    const reason = new DeadlineError("Cannot go on: it took too long");
    const pending = [
      assertRejects(() => ends.near.receive()),
      assertRejects(() => ends.near.send(update(1, new Float32Array(LARGE)))),
      assertRejects(() => ends.near.send(exit("behind it"))),
    ];
    // The large vector is on its way: some of it has come.
    const ready = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const into = ends.far.receive({ place: () => ready.promise });
    while (ends.far.bytesReceived === 0) await nextTick();
    ends.near.abort(reason);
    ends.near.abort(new Error("Another"));
    for (const error of await Promise.all(pending)) assertStrictEquals(error, reason);
    assertStrictEquals(await assertRejects(() => ends.near.receive()), reason);
    assertStrictEquals(await assertRejects(() => ends.near.send(exit("x"))), reason);
    await ends.near.close();
    ready.resolve(new Uint8Array(4 * LARGE + FIELDS_BYTES));
    await assertRejects(() => into);
  });

  test("the peer of an aborted connection is told", async () => {
    using ends = await pair();
    const received = ends.far.receive();
    ends.near.abort(new Error("The client was killed"));
    // A closed socket says so either by its end or by a reset.
    const outcome = await received.catch((error) => error);
    if (outcome !== null) assertInstanceOf(outcome, ConnectionClosedError);
  });

  test("sending and receiving after close() rejects", async () => {
    using ends = await pair();
    await Promise.all([ends.near.close(), ends.far.close()]);
    await assertRejects(
      () => ends.near.send(exit("x")),
      ConnectionClosedError,
      "closed on this side",
    );
    await assertRejects(() => ends.near.receive(), ConnectionClosedError, "closed on this side");
  });

  test("sending to a peer that is gone rejects, and names it", async () => {
    using ends = await pair();
    ends.far.abort(new Error("The server was killed"));
    const error = await assertRejects(async () => {
      for (let i = 0; i < 1000; i++) await ends.near.send(update(1, new Float32Array(100_000)));
    }, ConnectionClosedError);
    assert(error.message.includes(ends.near.remote), error.message);
  });

  // Signs of life

  test("an idle pair with heartbeats stays alive, and receive() does not show them", async () => {
    const options = { heartbeatSeconds: HEARTBEAT_SECONDS };
    using ends = await pair({ near: options, far: options });
    const atNear = watch(ends.near.receive()), atFar = watch(ends.far.receive());
    // Eight heartbeats of each side are more than the six of silence that would end it.
    const beats = 8 * frameOf({ code: MessageCode.Heartbeat, payload: {} }).length;
    while (ends.near.bytesReceived < beats || ends.far.bytesReceived < beats) await nextTick();
    assert(!atNear.settled() && !atFar.settled(), "nothing came but heartbeats");
    await Promise.all([ends.near.send(exit("to far")), ends.far.send(exit("to near"))]);
    assertEquals((await atNear.promise)?.message, exit("to near"));
    assertEquals((await atFar.promise)?.message, exit("to far"));
  });

  test("a peer that says nothing is given up with a DeadlineError", async () => {
    using ends = await openChannels(transport, address);
    await using far = new Connection(ends.far, { heartbeatSeconds: HEARTBEAT_SECONDS });
    const error = await assertRejects(() => far.receive(), DeadlineError);
    assertEquals(
      error.message,
      `Lost the connection to ${far.remote}: nothing heard for 0.3 seconds`,
    );
    assertStrictEquals(await assertRejects(() => far.send(exit("x"))), error);
  });

  test("a peer that says nothing is given up inside a frame too", async () => {
    using ends = await openChannels(transport, address);
    await using far = new Connection(ends.far, { heartbeatSeconds: HEARTBEAT_SECONDS });
    const received = assertRejects(() => far.receive(), DeadlineError);
    await ends.near.write(frameOf(update(1, new Float32Array(1000))).subarray(0, 100));
    await received;
  });

  test("a peer is not given up while this side lets it wait", async () => {
    using ends = await pair({ far: { heartbeatSeconds: HEARTBEAT_SECONDS } });
    const sent = ends.near.send(update(1, new Float32Array(LARGE)));
    const atNear = assertRejects(() => ends.near.receive());
    // This side's heartbeats tell the time: more than the silence that would end it.
    const beats = 8 * frameOf({ code: MessageCode.Heartbeat, payload: {} }).length;
    const received = await ends.far.receive({
      place: async ({ bodyLength }) => {
        while (ends.near.bytesReceived < beats) await nextTick();
        return new Uint8Array(bodyLength);
      },
    });
    assertEquals(vectorOf(received).length, LARGE);
    await sent;
    ends.near.abort(new Error("The test is over"));
    await atNear;
  });
}

/** The event loop's next turn. */
function nextTick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

function corrupted(message: Message, at: number, byte: number): Uint8Array<ArrayBuffer> {
  const frame = frameOf(message);
  frame[at] = byte;
  return frame;
}
