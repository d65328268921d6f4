import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { ConnectionClosedError, DeadlineError } from "../../src/base/errors.ts";
import { TLS_HANDSHAKE_SECONDS } from "../../src/net/tls/secure_channel.ts";
import { tlsTransport } from "../../src/net/tls/transport.ts";
import type { Channel, Listener } from "../../src/net/transport.ts";
import { websocketTransport } from "../../src/net/websocket/transport.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

const OPTIONS = {
  cert: fixture("server.pem"),
  key: fixture("server.key"),
  caCerts: [fixture("ca.pem")],
};
const SERVERS = [
  { transport: tlsTransport(OPTIONS), address: "127.0.0.1:0" },
  { transport: websocketTransport(OPTIONS), address: "wss://127.0.0.1:0/federation" },
];
const HALF_A_HELLO = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3);
const PLAIN = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
const COUNT = 20;

/** Connections of strangers, each having sent these bytes, and what the server accepted of them. */
async function strangers(
  listener: Listener,
  bytes: Uint8Array,
): Promise<{ sockets: Deno.TcpConn[]; channels: Channel[] }> {
  const port = Number(/:(\d+)/.exec(listener.address.replace(/^wss:/, ""))?.[1]);
  const sockets: Deno.TcpConn[] = [], channels: Channel[] = [];
  for (let i = 0; i < COUNT; i++) {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    if (bytes.length > 0) await socket.write(bytes);
    sockets.push(socket);
    const channel = await listener.accept();
    assert(channel !== null);
    channels.push(channel);
  }
  return { sockets, channels };
}

/** Resolves when the other side has closed the socket, whatever it said before. */
async function closed(socket: Deno.TcpConn): Promise<void> {
  const bin = new Uint8Array(1024);
  try {
    while (await socket.read(bin) !== null);
  } catch { /* it was reset */ }
}

for (const { transport, address } of SERVERS) {
  for (
    const [what, bytes] of [
      ["say nothing", new Uint8Array()],
      ["send half a ClientHello", HALF_A_HELLO],
      ["do not speak TLS", PLAIN],
    ] as const
  ) {
    Deno.test(`${transport.name} over TLS: close() frees the sockets of strangers who ${what}`, async () => {
      const listener = await transport.listen(address);
      const { sockets, channels } = await strangers(listener, bytes);
      const reads = channels.map((channel) =>
        assertRejects(() => channel.read(new Uint8Array(8)), ConnectionClosedError)
      );
      for (const channel of channels) channel.close();
      // A socket that this process still had would let its stranger wait.
      await Promise.all(sockets.map(closed));
      await Promise.all(reads);
      for (const one of [...sockets, listener]) one.close();
    });
  }

  Deno.test(`${transport.name} over TLS: strangers are given up in time, and others join meanwhile`, async () => {
    const listener = await transport.listen(address);
    const began = performance.now();
    const { sockets, channels } = await strangers(listener, HALF_A_HELLO);
    const reads = channels.map((channel) =>
      assertRejects(() => channel.read(new Uint8Array(8)), DeadlineError, "within 10 seconds")
    );
    const accepting = listener.accept();
    const near = await tlsTransport(OPTIONS).connect(
      listener.address.replace(/^wss:\/\/|\/federation$/g, ""),
    );
    near.close();
    (await accepting)?.close();
    await Promise.all([...reads, ...sockets.map(closed)]);
    const seconds = (performance.now() - began) / 1000;
    assert(seconds >= TLS_HANDSHAKE_SECONDS - 0.1, `${seconds} s`);
    for (const one of [...sockets, listener]) one.close();
  });
}

/** The two ends of a channel over TLS. */
async function pair(): Promise<{ near: Channel; far: Channel; port: number } & Disposable> {
  const transport = tlsTransport(OPTIONS);
  const listener = await transport.listen("127.0.0.1:0");
  const [near, far] = await Promise.all([transport.connect(listener.address), listener.accept()]);
  assert(far !== null);
  return {
    near,
    far,
    port: Number(listener.address.split(":").at(-1)),
    [Symbol.dispose]() {
      for (const one of [near, far, listener]) one.close();
    },
  };
}

Deno.test("tlsTransport: a server that does not read takes no more than buffers hold", async () => {
  using ends = await pair();
  assertEquals(
    await Promise.all([ends.near.write(new Uint8Array(1)), ends.far.read(new Uint8Array(1))]),
    [undefined, 1],
  );
  const most = 64 * 2 ** 20;
  let sent = 0;
  const sending = (async () => {
    for (; sent < most; sent += 2 ** 16) await ends.near.write(new Uint8Array(2 ** 16));
  })().catch(() => {});
  for (let before = -1; before < sent;) {
    before = sent;
    // The other direction shows that time has passed.
    for (let i = 0; i < 200; i++) {
      await Promise.all([ends.far.write(new Uint8Array(1)), ends.near.read(new Uint8Array(1))]);
    }
  }
  assert(sent < most / 2, `${sent} bytes`);
  ends.far.close();
  ends.near.close();
  await sending;
});

/**
 * Number of connections accepted at the port that a process has not closed, from proc_pid_net(5).
 */
function held(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").trim().split("\n").slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, from = "", , state, , , , , , inode]) =>
      from.endsWith(local) && state !== "0A" && inode !== "0"
    ).length;
}

Deno.test({
  name: "tlsTransport: close() frees the socket of a peer that does not read",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using ends = await pair();
    let sent = 0;
    const sending = assertRejects(
      async () => {
        for (; sent < 2 ** 27; sent += 2 ** 17) await ends.far.write(new Uint8Array(2 ** 17));
      },
      ConnectionClosedError,
      "closed on this side",
    );
    // Until no more goes out: the buffers are full.
    for (let before = -1; before < sent;) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assertEquals(held(ends.port), 1);
    ends.far.close();
    await sending;
    for (let i = 0; i < 200 && held(ends.port) > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assertEquals(held(ends.port), 0);
  },
});

Deno.test("tlsTransport: bytes whose write has resolved arrive, though the server closes at once", async () => {
  for (const length of [1, 100_000, 3_000_000]) {
    using ends = await pair();
    let got = 0;
    const reading = (async () => {
      const into = new Uint8Array(2 ** 18);
      for (let n; (n = await ends.near.read(into)) !== null;) got += n;
    })().catch(() => {});
    await ends.far.write(new Uint8Array(length));
    ends.far.close();
    await reading;
    assertEquals(got, length);
  }
});
