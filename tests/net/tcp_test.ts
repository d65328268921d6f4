import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { transportOf } from "../../src/net/backend.ts";
import { Connection } from "../../src/net/connection.ts";
import { memoryTransport } from "../../src/net/memory.ts";
import { parseAddress, tcpTransport } from "../../src/net/tcp.ts";
import { ConnectionClosedError } from "../../src/base/errors.ts";
import { testTransport } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testTransport("tcpTransport", tcpTransport, "127.0.0.1:0");

Deno.test("parseAddress() reads names, IPv4, IPv6 in brackets, and no host for every interface", () => {
  assertEquals(parseAddress("localhost:9000"), { hostname: "localhost", port: 9000 });
  assertEquals(parseAddress("10.0.0.7:0"), { hostname: "10.0.0.7", port: 0 });
  assertEquals(parseAddress("[::1]:65535"), { hostname: "::1", port: 65535 });
  assertEquals(parseAddress(":9000"), { hostname: "0.0.0.0", port: 9000 });
});

Deno.test("parseAddress() refuses anything else, and shows it", () => {
  for (
    const bad of [
      "",
      "localhost",
      "localhost:",
      "::1:9000",
      "host:65536",
      "host:-1",
      "host:90a",
      "a:1:2",
      "host:1\n",
    ]
  ) {
    const error = assertThrows(() => parseAddress(bad), SyntaxError);
    assertEquals(
      error.message,
      `Cannot read the address: expected HOST:PORT, got ${JSON.stringify(bad)}`,
    );
  }
});

Deno.test("tcpTransport: connect() and listen() refuse an address that cannot be read", async () => {
  await assertRejects(() => tcpTransport.connect("nowhere"), SyntaxError, `got "nowhere"`);
  await assertRejects(
    async () => await tcpTransport.listen("nowhere"),
    SyntaxError,
    `got "nowhere"`,
  );
});

Deno.test("tcpTransport: connect() leaves no socket open however late it is aborted", async () => {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const accepting = (async () => {
    for (let peer = await listener.accept(); peer; peer = await listener.accept()) peer.close();
  })();
  // Resources are counted at the end. Cancelled by Deno alone, one attempt in 200 loses its socket.
  for (let n = 0; n < 2000; n++) {
    const stop = new AbortController();
    const connecting = tcpTransport.connect(listener.address, { signal: stop.signal });
    const abort = () => {
      for (const until = performance.now() + 0.1; performance.now() < until;);
      stop.abort(new Error("stopped"));
    };
    const timer = n % 2 === 0 ? undefined : setTimeout(abort, 0);
    if (n % 2 === 0) abort();
    await connecting.then((channel) => channel.close(), () => {});
    clearTimeout(timer);
  }
  listener.close();
  await accepting;
});

Deno.test("tcpTransport: connect() to a name that does not exist is one line that names it", async () => {
  const error = await assertRejects(
    () => tcpTransport.connect("host.invalid:9000"),
    ConnectionClosedError,
  );
  assert(error.message.startsWith("Cannot connect to host.invalid:9000: "), error.message);
  assert(!error.message.includes("\n"));
});

Deno.test({
  name: "tcpTransport: listens on IPv6 and writes the address so that connect() reads it",
  // Many containers have no IPv6 at all.
  ignore: !Deno.networkInterfaces().some(({ address }) => address === "::1"),
  async fn() {
    const listener = await tcpTransport.listen("[::1]:0");
    const [near, far] = await Promise.all([
      tcpTransport.connect(listener.address),
      listener.accept(),
    ]);
    assert(/^\[::1\]:\d+$/.test(listener.address), listener.address);
    assertEquals(near.remote, `tcp ${listener.address}`);
    for (const one of [near, far, listener]) one?.close();
  },
});

Deno.test("tcpTransport: connect() that hangs rejects with the signal's reason", async () => {
  const controller = new AbortController();
  // Reserved for documentation (RFC 5737): nothing answers there, or the network says at once that
  // there is no way.
  const connecting = tcpTransport.connect("192.0.2.1:9", { signal: controller.signal });
  controller.abort(new Error("The user pressed Ctrl-C"));
  await assertRejects(() => connecting, Error, "The user pressed Ctrl-C");
});

Deno.test("Connection hears what came while its own thread was held up", async () => {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  // A peer in a thread of its own, which goes on when this one does not.
  const peer = `
    const [hostname, port] = ${JSON.stringify(listener.address)}.split(":");
    const beat = Uint8Array.fromHex("464c6162" + "0100" + "0700" + "0100000000000000" + "a0");
    const socket = await Deno.connect({ hostname, port: Number(port) });
    const timer = setInterval(() => socket.write(beat).catch(() => {}), 20);
    try { while (await socket.read(new Uint8Array(1024)) !== null); } catch {}
    clearInterval(timer);
    socket.close();
    postMessage("done");`;
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(peer)}`, {
    type: "module",
  });
  const done = new Promise((resolve) => worker.onmessage = resolve);
  const channel = await listener.accept();
  assert(channel !== null);
  const connection = new Connection(channel, { heartbeatSeconds: 0.05 });
  let failure: unknown;
  const received = connection.receive().catch((error) => failure = error);
  for (let i = 0; i < 3; i++) {
    const before = connection.bytesReceived;
    while (connection.bytesReceived < before + 17) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const until = performance.now() + 400;
    while (performance.now() < until);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(failure, undefined);
  }
  connection.abort(new Error("The test is over"));
  await Promise.all([received, done]);
  worker.terminate();
  listener.close();
});

Deno.test("transportOf() finds transports by name, takes one of your own, and lists the names for another", () => {
  assert(transportOf("tcp") === tcpTransport);
  assert(transportOf("memory") === memoryTransport);
  assertEquals(transportOf("websocket").name, "websocket");
  const own = { ...memoryTransport, name: "own" };
  assert(transportOf(own) === own);
  const error = assertThrows(() => transportOf("gloo"), RangeError);
  assertEquals(
    error.message,
    `Cannot use the dist backend: expected one of tcp, websocket, memory, got "gloo"`,
  );
  assertThrows(() => transportOf("toString"), RangeError);
});
