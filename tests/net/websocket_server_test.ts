import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  ConnectionClosedError,
  DeadlineError,
  ProtocolError,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import {
  type Channel,
  Connection,
  type Listener,
  tcpTransport,
  tlsTransport,
  websocketTransport,
} from "../../src/net/mod.ts";
import { Deadlines } from "../../src/base/time/deadlines.ts";
import { FramedChannel } from "../../src/net/websocket/framed_channel.ts";
import { handshakeFor } from "../../src/net/websocket/handshake.ts";
import { unmask } from "../../src/net/websocket/unmask.ts";
import { WebOrigins } from "../../src/net/websocket/web_origins.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";
import { frameBytes, type RawFrame, RawPeer, requestOf } from "../helpers/raw_websocket.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ADDRESS = "ws://127.0.0.1:0/federation";
const MESSAGE_BYTES = 262_144;

async function accept(listener: Listener): Promise<Channel> {
  const channel = await listener.accept();
  assert(channel !== null);
  return channel;
}

/** A peer by hand and the server's end of its WebSocket, closed at the end of the scope. */
async function pair(): Promise<{ peer: RawPeer; far: Channel } & Disposable> {
  const listener = await websocketTransport().listen(ADDRESS);
  const [peer, far] = await Promise.all([RawPeer.open(listener.address), accept(listener)]);
  return {
    peer,
    far,
    [Symbol.dispose]() {
      for (const one of [peer.connection, far, listener]) one.close();
    },
  };
}

/** A message as the protocol has it: a grant and data. */
function message(grant: number, ...data: number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + data.length);
  new DataView(bytes.buffer).setUint32(0, grant, true);
  bytes.set(data, 4);
  return bytes;
}

// Frames

const BYTE = message(0, 1);
const BROKEN: readonly [what: string, frames: RawFrame[], code: number, words: RegExp][] = [
  ["a frame without a mask", [{ opcode: 2, payload: BYTE, isMasked: false }], 1002, /masked/],
  ["a reserved bit", [{ opcode: 2, payload: BYTE, reserved: 4 }], 1002, /no reserved bits/],
  ["an unknown opcode", [{ opcode: 3 }], 1002, /a known opcode, got 0x3/],
  ["an unknown control opcode", [{ opcode: 11 }], 1002, /a known opcode, got 0xb/],
  ["a text", [{ opcode: 1, payload: BYTE }], 1003, /binary data, got text/],
  ["a long ping", [{ opcode: 9, length: 126 }], 1002, /at most 125 bytes in a control frame/],
  ["a ping in fragments", [{ opcode: 9, isFinal: false }], 1002, /a whole control frame/],
  ["a length in too many bytes", [{ opcode: 2, length: 125, lengthBytes: 2 }], 1002, /fewest/],
  ["a length in far too many", [{ opcode: 2, length: 65_535, lengthBytes: 8 }], 1002, /fewest/],
  ["a continuation of nothing", [{ opcode: 0, payload: BYTE }], 1002, /beginning of a message/],
  [
    "a message inside another",
    [{ opcode: 2, payload: BYTE, isFinal: false }, { opcode: 2, payload: BYTE }],
    1002,
    /expected a continuation/,
  ],
  ["half a head", [{ opcode: 2, payload: new Uint8Array(3) }], 1002, /4 to 262148 bytes, got 3$/],
  [
    "half a head in fragments",
    [{ opcode: 2, payload: new Uint8Array(2), isFinal: false }, { opcode: 0 }],
    1002,
    /4 to 262148 bytes, got 2$/,
  ],
  ["a giant frame", [{ opcode: 2, length: 2 ** 40 }], 1009, /4 to 262148 bytes, got 1099511627776/],
  [
    "the first fragment of too long a message",
    [{ opcode: 2, isFinal: false, length: 4 + MESSAGE_BYTES + 1 }],
    1009,
    /4 to 262148 bytes, got 262149$/,
  ],
  [
    "fragments that are too long together",
    [
      { opcode: 2, isFinal: false, payload: new Uint8Array(60_000) },
      { opcode: 0, isFinal: false, length: MESSAGE_BYTES - 60_000 + 5 },
    ],
    1009,
    /4 to 262148 bytes, got 262149$/,
  ],
  [
    "fragments beyond the credit",
    [
      { opcode: 2, isFinal: false, payload: message(0) },
      { opcode: 0, isFinal: false, length: 65_537 },
    ],
    1002,
    /at most the 65536 bytes granted, got 65537$/,
  ],
  [
    "empty fragments without end",
    [{ opcode: 2, isFinal: false }, ...Array(1024).fill({ opcode: 0, isFinal: false })],
    1009,
    /at most 1024 fragments/,
  ],
  ["a close of one byte", [{ opcode: 8, payload: new Uint8Array(1) }], 1002, /closed with, got 0/],
  [
    "a status that nobody may send",
    [{ opcode: 8, payload: Uint8Array.of(3, 237) }],
    1002,
    /closed with, got 1005/,
  ],
];
for (const [what, frames, code, words] of BROKEN) {
  Deno.test(`a WebSocket server closes with ${code} over ${what}`, async () => {
    using ends = await pair();
    const { peer, far } = ends;
    const connection = new Connection(far);
    for (const frame of frames) await peer.frame(frame);
    const into = new Uint8Array(100_000);
    const error = await assertRejects(async () => {
      while (await far.read(into) !== null);
    }, ProtocolError);
    assertEquals(error.fault, "bad-message");
    assertMatch(error.message, words);
    const refused = connection.refuse(error);
    assertEquals(await peer.closeCode(), code);
    peer.connection.closeWrite();
    await refused;
  });
}

Deno.test("a WebSocket server puts fragments together, whatever comes between them", async () => {
  using ends = await pair();
  const { peer, far } = ends;
  await peer.frame({ opcode: 2, isFinal: false, payload: message(7).subarray(0, 1) });
  await peer.frame({ opcode: 9, payload: new TextEncoder().encode("between") });
  await peer.frame({ opcode: 0, isFinal: false, payload: message(7, 1, 2).subarray(1) });
  await peer.frame({ opcode: 0, isFinal: false });
  await peer.frame({ opcode: 10, payload: new Uint8Array(125) });
  await peer.frame({ opcode: 0, payload: Uint8Array.of(3) });
  const got: number[] = [];
  const into = new Uint8Array(8);
  while (got.length < 3) got.push(...into.subarray(0, await far.read(into) ?? 0));
  assertEquals(got, [1, 2, 3]);
  const pong = await peer.next();
  assertEquals(pong?.opcode, 10);
  assertEquals(new TextDecoder().decode(pong?.payload), "between");
});

Deno.test("a WebSocket server reads a message in pieces of any size, at any place in memory", async () => {
  using ends = await pair();
  const { peer, far } = ends;
  const data = Uint8Array.from({ length: 50_000 }, (_, i) => i * 7 % 251);
  const bytes = new Uint8Array(4 + data.length);
  bytes.set(data, 4);
  const sent = peer.frame({ opcode: 2, payload: bytes });
  const memory = new Uint8Array(data.length + 64);
  for (let at = 0, most = 1; at < data.length; most = most * 3 % 20_011) {
    const into = memory.subarray(at + 3, Math.min(at + 3 + most, data.length + 3));
    at += await far.read(into) ?? data.length;
  }
  await sent;
  assertEquals(memory.subarray(3, data.length + 3), data);
});

Deno.test("a WebSocket server answers the last of many pings to a peer that does not read", async () => {
  using ends = await pair();
  const { peer, far } = ends;
  const reading = far.read(new Uint8Array(8));
  for (let i = 0; i < 50_000; i += 1000) {
    const pings = Array.from(
      { length: 1000 },
      (_, j) => ({ opcode: 9, payload: Uint8Array.of((i + j) >> 8, (i + j) & 255) }),
    );
    for (const ping of pings) await peer.frame(ping);
  }
  await peer.frame({ opcode: 2, payload: BYTE });
  assertEquals(await reading, 1);
  let last: Uint8Array | undefined;
  while (last?.join() !== [49_999 >> 8, 49_999 & 255].join()) last = (await peer.next())?.payload;
});

Deno.test("a WebSocket server answers the head of a frame that comes without its payload", async () => {
  using ends = await pair();
  const { peer, far } = ends;
  const payload = new Uint8Array(4 + 2000).fill(1, 4);
  const frame = frameBytes({ opcode: 2, payload }), headBytes = frame.length - payload.length;
  const into = new Uint8Array(4000);
  const reading = far.read(into);
  await peer.send(frame.subarray(0, headBytes));
  assertEquals(await peer.next(), { opcode: 10, payload: new Uint8Array() });
  await peer.send(frame.subarray(headBytes));
  let count = await reading ?? 0;
  while (count < 2000) count += await far.read(into.subarray(count)) ?? 0;
  assertEquals(into.subarray(0, count), payload.subarray(4));
});

Deno.test("a WebSocket server selects the prompt subprotocol where it is requested", async () => {
  const listener = await websocketTransport().listen(ADDRESS);
  for (
    const [requested, selected] of [
      ["fedlab.v1", "fedlab.v1"],
      ["fedlab.v1.prompt, fedlab.v1", "fedlab.v1.prompt"],
      ["fedlab.v1, fedlab.v1.prompt", "fedlab.v1.prompt"],
    ] as const
  ) {
    const accepted = listener.accept();
    using peer = await RawPeer.connect(listener.address);
    const { pathname } = new URL(listener.address);
    await peer.send(requestOf(pathname, { "Sec-WebSocket-Protocol": requested }));
    const [, got] = /^sec-websocket-protocol: (.*)$/im.exec(await peer.head()) ?? [];
    assertEquals(got?.trim(), selected);
    (await accepted)?.close();
  }
  listener.close();
});

Deno.test("a WebSocket server answers a close with its status, and ends the connection", async () => {
  using ends = await pair();
  const { peer, far } = ends;
  const read = assertRejects(
    () => far.read(new Uint8Array(8)),
    ConnectionClosedError,
    "other side",
  );
  await peer.frame({ opcode: 8, payload: Uint8Array.of(3, 232) });
  assertEquals(await peer.closeCode(), 1000);
  await peer.closed();
  peer.connection.closeWrite();
  await read;
  await assertRejects(() => far.write(new Uint8Array(8)), ConnectionClosedError);
});

Deno.test("a WebSocket server closes with 1000 once both sides have said that they end", async () => {
  using ends = await pair();
  const { peer, far } = ends;
  const connection = new Connection(far);
  const closed = connection.close();
  assertEquals(await peer.next(), { opcode: 2, payload: message(0) });
  await peer.frame({ opcode: 2, payload: message(0) });
  assertEquals(await peer.closeCode(), 1000);
  await peer.frame({ opcode: 8, payload: Uint8Array.of(3, 232) });
  peer.connection.closeWrite();
  await closed;
});

Deno.test("unmask() agrees with the specification at every alignment and length", () => {
  const key = [0x12, 0xfe, 0x80, 0x07];
  const mask = new DataView(Uint8Array.from(key).buffer).getUint32(0, true);
  for (let start = 0; start < 4; start++) {
    for (let length = 0; length < 70; length++) {
      for (let at = 0; at < 4; at++) {
        const bytes = Uint8Array.from({ length: start + length + 4 }, (_, i) => i);
        const expected = bytes.map((byte, i) =>
          i < start || i >= start + length ? byte : byte ^ (key[(at + i - start) % 4] ?? 0)
        );
        unmask(bytes.subarray(start, start + length), mask, at);
        assertEquals(bytes, expected);
      }
    }
  }
});

// The handshake

const HEADERS: readonly [status: number, what: string, request: string][] = [
  [101, "what a client asks for", requestOf("/federation")],
  [101, "a query", requestOf("/federation?part=1")],
  [101, "a program behind a proxy", requestOf("/federation", { Host: "fl.example" })],
  [101, "the server's own page", requestOf("/federation", { Origin: "http://127.0.0.1" })],
  [404, "another path", requestOf("/elsewhere")],
  [405, "another method", requestOf("/federation", {}, "POST /federation HTTP/1.1")],
  [505, "an older HTTP", requestOf("/federation", {}, "GET /federation HTTP/1.0")],
  [426, "no WebSocket", requestOf("/federation", { Upgrade: undefined })],
  [426, "no upgrade", requestOf("/federation", { Connection: "keep-alive" })],
  [426, "another version", requestOf("/federation", { "Sec-WebSocket-Version": "12" })],
  [426, "no version", requestOf("/federation", { "Sec-WebSocket-Version": undefined })],
  [400, "a short key", requestOf("/federation", { "Sec-WebSocket-Key": "c2hvcnQ=" })],
  [400, "no key", requestOf("/federation", { "Sec-WebSocket-Key": undefined })],
  [400, "another subprotocol", requestOf("/federation", { "Sec-WebSocket-Protocol": "chat" })],
  [400, "no host", requestOf("/federation", { Host: undefined })],
  [400, "a malformed host", requestOf("/federation", { Host: "a b:99999" })],
  [400, "a host without an end", requestOf("/federation", { Host: "[::1" })],
  [400, "two hosts", requestOf("/federation", { Host: "a\r\nHost: b" })],
  [400, "a body", requestOf("/federation", { "Content-Length": "5" })],
  [400, "a body in chunks", requestOf("/federation", { "Transfer-Encoding": "chunked" })],
  [400, "a header without a name", requestOf("/federation", { "": "x" })],
  [400, "a folded header", requestOf("/federation", { Cookie: "a\r\n b" })],
  [400, "a bare line feed", requestOf("/federation", { Cookie: "a\nX: b" })],
  [400, "no HTTP", "hello\r\n\r\n"],
  [400, "TLS", "\x16\x03\x01"],
  [400, "frames of TCP", "FLab\x01\x00\x05\x00"],
  [431, "too long a head", requestOf("/federation", { Cookie: "a".repeat(8192) })],
  [403, "another site's page", requestOf("/federation", { Origin: "https://evil.example" })],
  [403, "a page without an origin", requestOf("/federation", { Origin: "null" })],
  [
    403,
    "a page whose name was led here",
    requestOf("/federation", { Host: "evil.example:80", Origin: "http://evil.example" }),
  ],
  [
    403,
    "a page that asks for a name that was led here, and says no origin",
    requestOf("/federation", { "Host": "evil.example", "Sec-Fetch-Mode": "websocket" }),
  ],
];
for (const [status, what, request] of HEADERS) {
  Deno.test(`a WebSocket server answers ${what} with ${status}`, async () => {
    const listener = await websocketTransport().listen(ADDRESS);
    using peer = await RawPeer.connect(listener.address);
    const far = await accept(listener);
    const reading = far.read(new Uint8Array(8)).catch((error) => error);
    await peer.send(request);
    const head = await peer.head();
    assert(head.startsWith(`HTTP/1.1 ${status} `), head);
    if (status === 101) {
      assertMatch(head, /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/m);
      far.close();
    } else {
      await peer.closed();
      peer.connection.closeWrite();
      assertMatch((await reading).message, new RegExp(`answered with HTTP status ${status}`));
    }
    assert(await reading instanceof ConnectionClosedError);
    listener.close();
  });
}

Deno.test("a WebSocket server lets in pages by the names that it is told, and by those it listens on", () => {
  const isWelcome = (
    options: ConstructorParameters<typeof WebOrigins>[0],
    listensOn: string | undefined,
    host: string,
    origin = `http://${host}`,
  ) => new WebOrigins(options, listensOn).refusal(new Headers({ host, origin })) === undefined;
  const cases: [isWelcome: boolean, listensOn: string | undefined, host: string][] = [
    [true, "127.0.0.1", "localhost:9000"],
    [true, "127.0.0.1", "127.0.0.1:9000"],
    [true, "localhost", "[::1]:9000"],
    [true, "[::1]", "LOCALHOST"],
    [false, "127.0.0.1", "10.0.0.5"],
    [false, "127.0.0.1", "localhost.evil.example"],
    [false, "127.0.0.1", "127.0.0.1.evil.example"],
    [true, "fl.example", "fl.example:9000"],
    [false, "fl.example", "evil.example:9000"],
    [true, "10.0.0.5", "10.0.0.5"],
    [false, "10.0.0.5", "10.0.0.6"],
    [true, "0.0.0.0", "10.0.0.5:9000"],
    [true, "[::]", "[2001:db8::1]:9000"],
    [false, "0.0.0.0", "evil.example"],
    [true, undefined, "192.168.0.2"],
    [false, undefined, "evil.example"],
  ];
  for (const [expected, listensOn, host] of cases) {
    assertEquals(isWelcome({}, listensOn, host), expected, `${host} at ${listensOn}`);
    assert(!isWelcome({}, listensOn, host, "https://evil.test"));
    assert(isWelcome({ origins: ["*"] }, listensOn, host, "https://evil.test"));
  }
  const hosts = ["fl.example", "FL2.example:8443"];
  assert(isWelcome({ hosts }, "0.0.0.0", "fl.example"));
  assert(isWelcome({ hosts }, "127.0.0.1", "fl.example", "https://fl.example"));
  assert(isWelcome({ hosts }, undefined, "fl2.example:8443"));
  assert(!isWelcome({ hosts }, undefined, "fl2.example"));
});

Deno.test("websocketTransport refuses hosts that are none", async () => {
  for (const hosts of [["https://fl.example"], ["a b"], ["fl.example:99999"], [""]]) {
    await assertRejects(
      () => websocketTransport({ hosts }).listen(ADDRESS),
      SyntaxError,
      "Cannot use hosts: expected names such as fl.example or fl.example:8443, got ",
    );
  }
});

// Strangers

function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

for (
  const [name, transport] of [
    ["TCP", tcpTransport],
    ["TLS", tlsTransport({ cert: fixture("server.pem"), key: fixture("server.key") })],
  ] as const
) {
  Deno.test(`a WebSocket over ${name} whose request is never whole is given up`, async () => {
    const listener = await transport.listen("127.0.0.1:0");
    for (const said of ["", "GET /federation HTTP/1.1\r\nHo"]) {
      using peer = await RawPeer.connect(`ws://${listener.address}`);
      const handshake = handshakeFor("/federation", new WebOrigins({}));
      const far = new FramedChannel(await accept(listener), handshake, new Deadlines(0.05));
      if (name === "TCP") await peer.send(said);
      const error = await assertRejects(() => far.read(new Uint8Array(8)), DeadlineError);
      assertMatch(error.message, /did not finish its HTTP request within 0\.05 seconds$/);
      // Deno keeps a TLS socket whose handshake is not done until the peer closes.
      if (name === "TCP") await peer.closed();
      await assertRejects(() => far.write(new Uint8Array(8)), DeadlineError);
    }
    listener.close();
  });
}

Deno.test("a server counts WebSocket connections from accept on: silent ones push out each other", async () => {
  const manifest = vectorManifest(10);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
  });
  const listening = Promise.withResolvers<string>();
  const stop = new AbortController();
  const server = new ServerSyncTop(handler, {
    distBackend: "websocket",
    listen: ADDRESS,
    worldSize: 2,
    rounds: 1,
    limits: { unregistered: 2 },
    timeouts: { drainSeconds: 0.2 },
    logger: silentLogger,
    onEvent: (event) => event.type === "listening" && listening.resolve(event.address),
  });
  const running = assertRejects(() => server.run({ signal: stop.signal }), Error, "enough");
  const address = await listening.promise;
  using silent = await RawPeer.connect(address);
  using half = await RawPeer.connect(address);
  await half.send("GET /federation HTTP/1.1\r\nHo");
  using third = await RawPeer.connect(address);
  await silent.closed();
  using upgraded = await RawPeer.open(address);
  await half.closed();
  using _last = await RawPeer.connect(address);
  await third.closed();
  stop.abort(new Error("enough"));
  await Promise.all([running, upgraded.closed()]);
});
