import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  ConnectionClosedError,
  MessageCode,
  ProtocolError,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
  websocketMount,
} from "../../mod.ts";
import { type Channel, Connection, type Listener, websocketTransport } from "../../src/net/mod.ts";
import { websocketsSettled } from "../../src/net/websocket/transport.ts";
import { testTransport } from "../../src/testing/mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function test(claim: string, run: () => Promise<void>): void {
  Deno.test(claim, async () => {
    await run();
    await websocketsSettled();
  });
}

const ADDRESS = "ws://127.0.0.1:0/federation";
const PROTOCOL = "fedlab.v1";
/**
 * What the protocol grants each side at first, the most that it lets one hold, and the longest
 * message's data.
 */
const FIRST_CREDIT = 65_536, MOST_CREDIT = 4_194_304, MESSAGE_BYTES = 262_144;
const EXIT = { code: MessageCode.Exit, payload: { reason: "hello" } } as const;

const transport = websocketTransport();

testTransport("websocketTransport", transport, ADDRESS, {
  settled: websocketsSettled,
});

/** A message as the protocol has it: a grant and data. */
function message(grant: number, dataBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + dataBytes);
  new DataView(bytes.buffer).setUint32(0, grant, true);
  return bytes;
}

async function accept(listener: Listener): Promise<Channel> {
  const channel = await listener.accept();
  assert(channel !== null);
  return channel;
}

async function openRaw(address: string): Promise<WebSocket> {
  const socket = new WebSocket(address, PROTOCOL);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return socket;
}

async function closeRaw(socket: WebSocket): Promise<void> {
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close(1000);
  await closed;
}

/** A WebSocket server by hand, with what it has received. */
function rawServer(protocol = PROTOCOL): { address: string; server: Deno.HttpServer; peer: Peer } {
  const peer: Peer = { data: 0, messages: 0, socket: Promise.withResolvers(), changed: () => {} };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, protocol ? { protocol } : {});
    socket.onmessage = ({ data }) => {
      peer.data += data.byteLength - 4;
      peer.messages++;
      peer.changed();
    };
    socket.onopen = () => peer.socket.resolve(socket);
    return response;
  });
  return { address: `ws://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`, server, peer };
}

interface Peer {
  data: number;
  messages: number;
  socket: PromiseWithResolvers<WebSocket>;
  changed: () => void;
}

async function received(peer: Peer, data: number): Promise<void> {
  while (peer.data < data) await new Promise<void>((resolve) => peer.changed = resolve);
}

// Back-pressure

test("websocketTransport: a sender whose peer grants nothing holds back, and goes on by what is granted", async () => {
  const { address, server, peer } = rawServer();
  const channel = await transport.connect(address);
  let isWritten = false;
  const writing = channel.write(new Uint8Array(10_000_000)).then(() => isWritten = true);
  const socket = await peer.socket.promise;
  let sent = FIRST_CREDIT;
  for (const grant of [0, 1024, 100_000, MOST_CREDIT]) {
    if (grant > 0) socket.send(message(grant, 0));
    sent += grant;
    await received(peer, sent);
    // What comes back shows that no more was on its way.
    socket.send(message(0, 1));
    assertEquals(await channel.read(new Uint8Array(8)), 1);
    assertEquals(peer.data, sent);
  }
  assert(!isWritten);
  const failed = assertRejects(() => writing, ConnectionClosedError);
  channel.close();
  await failed;
  await server.shutdown();
});

test("websocketTransport: unread data is bounded for a slow reader, and all of it arrives", async () => {
  const listener = await transport.listen(ADDRESS);
  const channels = await Promise.all([transport.connect(listener.address), accept(listener)]);
  for (const [from, to] of [channels, channels.toReversed()] as [Channel, Channel][]) {
    const total = 24_000_000;
    let at = 0;
    let passed = 0;
    const writing = (async () => {
      for (; at < total; at += 100_000) {
        await from.write(new Uint8Array(100_000).fill(at / 100_000 % 251));
      }
    })();
    const into = new Uint8Array(64 * 1024);
    while (passed < total) {
      const n = await to.read(into.subarray(0, total - passed));
      assert(n !== null);
      assertEquals(into[0], Math.floor(passed / 100_000) % 251);
      // Give the writer every chance to run ahead.
      await new Promise((resolve) => setTimeout(resolve, 0));
      passed += n;
      assert(at - passed <= MOST_CREDIT + 100_000, `${at - passed} bytes wait`);
    }
    await writing;
  }
  for (const one of [...channels, listener]) one.close();
});

test("websocketTransport: small vectors go there and back without waiting for acknowledgements", async () => {
  const listener = await transport.listen(ADDRESS);
  const [near, far] = await Promise.all([transport.connect(listener.address), accept(listener)]);
  const size = 10_000;
  const into = new Uint8Array(size);
  const pass = async (from: Channel, to: Channel) => {
    await from.write(into);
    for (let at = 0; at < size;) at += await to.read(into.subarray(at)) ?? size;
  };
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const began = performance.now();
    await pass(near, far);
    await pass(far, near);
    times.push(performance.now() - began);
  }
  // A delayed acknowledgement takes 40 ms each time, after the first few. On a busy machine some of
  // the others do, too.
  const least = Math.min(...times.slice(10));
  assert(least < 20, `all of them took ${least} ms or more`);
  for (const one of [near, far, listener]) one.close();
});

// Peers that break the protocol

const BROKEN: readonly [what: string, send: (socket: WebSocket) => void, words: RegExp][] = [
  ["a text", (socket) => socket.send("hello"), /expected binary data, got text/],
  ["an empty message", (socket) => socket.send(new Uint8Array()), /expected 4 to 262148 .* got 0$/],
  ["half a head", (socket) => socket.send(new Uint8Array(3)), /expected 4 to 262148 bytes, got 3$/],
  [
    "too long a message",
    (socket) => socket.send(message(0, MESSAGE_BYTES + 1)),
    /expected 4 to 262148 bytes, got 262149$/,
  ],
  [
    "more than was granted",
    (socket) => socket.send(message(0, FIRST_CREDIT + 1)),
    /expected at most the 65536 bytes granted, got 65537$/,
  ],
  [
    "data after the end",
    (socket) => {
      socket.send(message(0, 0));
      socket.send(message(0, 1));
    },
    /expected no data after the end, got 1 bytes$/,
  ],
  [
    "too large a grant",
    (socket) => socket.send(message(MOST_CREDIT, 0)),
    /expected a credit of at most 4194304, got 4194304 more than 65536$/,
  ],
];
for (const [what, send, words] of BROKEN) {
  test(`websocketTransport: ${what} is a bad-message, and the peer reads the Error`, async () => {
    const listener = await transport.listen(ADDRESS);
    const [socket, far] = await Promise.all([openRaw(listener.address), accept(listener)]);
    const said = new Promise<Uint8Array>((resolve) =>
      socket.onmessage = ({ data }) => resolve(new Uint8Array(data))
    );
    const closed = new Promise((resolve) => socket.onclose = resolve);
    const connection = new Connection(far);
    send(socket);
    const error = await assertRejects(async () => {
      // Null from the end until what comes after it is there.
      while (await far.read(new Uint8Array(8)) === null) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }, ProtocolError);
    assertEquals(error.fault, "bad-message");
    assertMatch(error.message, words);
    await connection.refuse(error);
    assertStringIncludes(new TextDecoder().decode(await said), "bad-message");
    await closed;
    listener.close();
  });
}

test("websocketTransport: many messages of one byte cost more than a byte each", async () => {
  const listener = await transport.listen(ADDRESS);
  const [socket, far] = await Promise.all([openRaw(listener.address), accept(listener)]);
  for (let i = 0; i < 65; i++) socket.send(message(0, 1));
  // The credit is too little for this, so it waits until the last of them has come.
  const writing = far.write(new Uint8Array(FIRST_CREDIT + 1));
  const error = await assertRejects(() => writing, ProtocolError);
  assertEquals(await far.read(new Uint8Array(1000)), 64);
  await assertRejects(() => far.read(new Uint8Array(1)), ProtocolError);
  assertMatch(error.message, /expected at most the 0 bytes granted, got 1024$/);
  far.close();
  await closeRaw(socket);
  listener.close();
});

// Opening

test("websocketTransport: connect() to what is no federation is one line that says so", async () => {
  const other = rawServer("");
  const error = await assertRejects(() => transport.connect(other.address), Error);
  assertEquals(
    error.message,
    `Cannot connect to ${other.address}: what answers there is not FedLab`,
  );
  assert(!(error instanceof ConnectionClosedError));
  await other.server.shutdown();

  const listener = await transport.listen(ADDRESS);
  const elsewhere = listener.address.replace("federation", "elsewhere");
  const [{ message }, far] = await Promise.all([
    assertRejects(() => transport.connect(elsewhere), Error),
    accept(listener),
  ]);
  const refusedBy = (address: string, status: number) =>
    `Cannot connect to ${address}: the server there refuses it with HTTP status ${status}` +
    ", or the proxy of HTTP_PROXY does if that is set (NO_PROXY=127.0.0.1 goes past it)";
  assertEquals(message, refusedBy(elsewhere, 404));
  const proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(null, { status: 501 }),
  );
  const past = `ws://127.0.0.1:${proxy.addr.port}/federation`;
  const closed = await assertRejects(() => transport.connect(past), ConnectionClosedError);
  assertEquals(closed.message, refusedBy(past, 501));
  await proxy.shutdown();
  await assertRejects(() => far.read(new Uint8Array(1)), ConnectionClosedError, "status 404: Not");
  listener.close();
});

test("websocketTransport: connect() to a server that never answers rejects with the signal's reason", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const controller = new AbortController();
  const connecting = assertRejects(
    () => transport.connect(`ws://127.0.0.1:${silent.addr.port}/`, { signal: controller.signal }),
    Error,
    "The user pressed Ctrl-C",
  );
  using peer = await silent.accept();
  await peer.read(new Uint8Array(4096));
  controller.abort(new Error("The user pressed Ctrl-C"));
  await connecting;
});

test("websocketTransport: an address that is no WebSocket's is refused, and shown", async () => {
  for (
    const bad of ["", "127.0.0.1:9000", "http://127.0.0.1/", "ws://", "ws://a:99999/", "ws://a/#b"]
  ) {
    for (const open of [transport.connect, transport.listen]) {
      const error = await assertRejects(async () => await open(bad), SyntaxError);
      assertEquals(
        error.message,
        `Cannot read the address: expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, got ${
          JSON.stringify(bad)
        }`,
      );
    }
  }
});

test("websocketTransport: an isolate without Deno's namespace can be a client", async () => {
  const listener = await transport.listen(ADDRESS);
  const source = `
    delete globalThis.Deno;
    const { websocketTransport } = await import(${
    JSON.stringify(import.meta.resolve("../../src/net/websocket/transport.ts"))
  });
    const channel = await websocketTransport().connect(${JSON.stringify(listener.address)});
    await channel.write(Uint8Array.of(1, 2, 3));
    const count = await channel.read(new Uint8Array(8));
    channel.close();
    postMessage([typeof Deno, count]);`;
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  const said = new Promise<unknown>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  const far = await accept(listener);
  assertEquals(await far.read(new Uint8Array(8)), 3);
  await far.write(Uint8Array.of(4, 5));
  assertEquals(await said, ["undefined", 2]);
  await assertRejects(() => far.read(new Uint8Array(8)), ConnectionClosedError);
  worker.terminate();
  for (const one of [far, listener]) one.close();
});

// Mounted

test("websocketMount() runs a federation beside other routes, with a hostile peer at the same door", async () => {
  const mount = websocketMount();
  const web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request, info) => {
    const { pathname } = new URL(request.url);
    return pathname === "/federation" ? mount.handler(request, info) : new Response("a page");
  });
  const url = `ws://127.0.0.1:${web.addr.port}/federation`;
  const closedDoor = await assertRejects(() => mount.connect(url), ConnectionClosedError);
  assertEquals(closedDoor.message, `Cannot connect to ${url}: no server answers there`);

  const manifest = vectorManifest(100_000);
  const handler = new SyncParameterServerHandler({
    manifest,
    parameters: new Float32Array(manifest.length),
  });
  const options = { distBackend: mount, logger: silentLogger };
  const listening = Promise.withResolvers<void>();
  const server = new ServerSyncTop(handler, {
    ...options,
    listen: "/federation",
    worldSize: 3,
    rounds: 3,
    onEvent: ({ type }) => type === "listening" && listening.resolve(),
  });
  const running = server.run();
  await listening.promise;
  const hostile = await openRaw(url);
  const thrownOut = new Promise((resolve) => hostile.onclose = resolve);
  hostile.send("hello");
  await thrownOut;
  const clients = [1, 3].map((numSamples) =>
    new ClientSyncTop(
      new FakeHandler(manifest, {
        numSamples,
        step: async (vector) => {
          const page = await fetch(`http://127.0.0.1:${web.addr.port}/`);
          assertEquals(await page.text(), "a page");
          vector.forEach((x, i) => vector[i] = x + numSamples);
        },
      }),
      { ...options, serverAddr: url },
    ).run()
  );
  const [report] = await Promise.all([running, ...clients]);
  // Each round adds (1·1 + 3·3) / 4.
  assertEquals([handler.parameters[0], handler.parameters.at(-1)], [7.5, 7.5]);
  assertEquals(report.transport, "websocket");
  await assertRejects(() => mount.connect(url), ConnectionClosedError, "no server answers there");
  await web.shutdown();
});

const UPGRADE = {
  "host": "fl.example",
  "upgrade": "websocket",
  "connection": "keep-alive, Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

test("websocketMount() answers what it does not take with a status that says why", async () => {
  const mount = websocketMount();
  const answer = (headers: HeadersInit, method = "GET") =>
    mount.handler(new Request("http://fl.example/", { method, headers }));
  assertEquals(answer(UPGRADE).status, 503);
  const listener = await mount.listen("here");
  await assertRejects(() => mount.listen("there"), Error, "Cannot listen on there: another server");
  const protocol = { "sec-websocket-protocol": PROTOCOL };
  const cases: [status: number, headers: Record<string, string>, method?: string][] = [
    [426, { host: "fl.example" }],
    [426, { ...UPGRADE, connection: "keep-alive" }],
    [405, UPGRADE, "POST"],
    [426, { ...UPGRADE, ...protocol, "sec-websocket-version": "12" }],
    [400, { ...UPGRADE, ...protocol, "sec-websocket-key": "c2hvcnQ=" }],
    [400, { ...UPGRADE, ...protocol, host: "a b:99999" }],
    [400, { ...UPGRADE, ...protocol, host: "fl.example:99999" }],
    [400, UPGRADE],
    [400, { ...UPGRADE, "sec-websocket-protocol": "chat" }],
  ];
  for (const [status, headers, method] of cases) {
    assertEquals(answer(headers, method).status, status, JSON.stringify(headers));
  }
  assertEquals(
    answer({ ...UPGRADE, "sec-websocket-version": "12" }).headers.get("sec-websocket-version"),
    "13",
  );
  listener.close();
  assertEquals(answer(UPGRADE).status, 503);
  const again = await mount.listen("there");
  again.close();
});

test("websocketMount() takes a page for its own only under a name that is the server's", async () => {
  const status = async (
    options: Parameters<typeof websocketMount>[0],
    host: string,
    origin: string,
  ) => {
    const mount = websocketMount(options);
    const listener = await mount.listen("here");
    // 400 stands for one that is let in, since it asks for no subprotocol.
    const headers = { ...UPGRADE, host, origin };
    const { status } = mount.handler(new Request("http://fl.example/", { headers }));
    listener.close();
    return status;
  };
  // A name that was led here after the page was loaded is the page's, not the server's.
  assertEquals(await status({}, "evil.example", "https://evil.example"), 403);
  assertEquals(await status({}, "evil.example:9000", "http://evil.example:9000"), 403);
  assertEquals(await status({}, "fl.example", "https://fl.example"), 403);
  const named = { hosts: ["fl.example"] };
  assertEquals(await status(named, "fl.example", "https://fl.example"), 400);
  assertEquals(await status(named, "evil.example", "https://fl.example"), 403);
  assertEquals(await status(named, "fl.example", "https://evil.example"), 403);
  const listed = { origins: ["https://app.example"] };
  assertEquals(await status(listed, "fl.example", "https://app.example"), 400);
  assertEquals(await status(listed, "fl.example", "null"), 403);
  assertEquals(await status({}, "127.0.0.1:9000", "http://127.0.0.1:9000"), 400);
  assertEquals(await status({}, "localhost:9000", "http://localhost:9000"), 400);
  assertEquals(await status({}, "localhost:9000", "http://localhost:3000"), 403);
  assertEquals(await status({ origins: ["*"] }, "evil.example", "https://evil.example"), 400);
});

test("websocketTransport: a connection over it carries messages, and its ends name each other", async () => {
  const listener = await transport.listen(ADDRESS);
  const [near, far] = await Promise.all([transport.connect(listener.address), accept(listener)]);
  assertEquals(near.remote, `websocket ${listener.address}`);
  assertMatch(far.remote, /^websocket 127\.0\.0\.1:\d+$/);
  const connection = new Connection(near), other = new Connection(far);
  await connection.send(EXIT);
  assertEquals((await other.receive())?.message, EXIT);
  await Promise.all([connection.close(), other.close()]);
  listener.close();
});
