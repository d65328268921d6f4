import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { ConnectionClosedError, ProtocolError } from "../../src/base/errors.ts";
import { Connection } from "../../src/net/connection.ts";
import { tcpTransport } from "../../src/net/tcp.ts";
import { type TlsOptions, tlsTransport } from "../../src/net/tls/transport.ts";
import type { Channel, Listener, Transport } from "../../src/net/transport.ts";
import { MessageCode } from "../../src/wire/message_code.ts";
import { testTransport } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

const CA = fixture("ca.pem");
const SERVER = { cert: fixture("server.pem"), key: fixture("server.key") };
const HELLO = { code: MessageCode.Exit, payload: { reason: "hello" } } as const;

testTransport("tlsTransport", tlsTransport({ ...SERVER, caCerts: [CA] }), "127.0.0.1:0");

async function accept(listener: Listener): Promise<Channel> {
  const channel = await listener.accept();
  assert(channel !== null);
  return channel;
}

/** What both sides say when a client of the one transport meets a server of the other. */
async function meet(
  client: Transport,
  server: Transport,
  options: { host?: string } = {},
): Promise<{ near: Error; far: Error }> {
  const listener = await server.listen("127.0.0.1:0");
  const address = listener.address.replace("127.0.0.1", options.host ?? "127.0.0.1");
  const far = accept(listener).then(async (channel) => {
    const connection = new Connection(channel);
    const error = await assertRejects(() => connection.receive(), Error);
    if (error instanceof ProtocolError) await connection.refuse(error);
    connection.abort(error);
    return error;
  });
  const near = assertRejects(async () => {
    const connection = new Connection(await client.connect(address));
    try {
      await connection.send(HELLO);
      await connection.receive();
    } finally {
      connection.abort(new Error("The test is over"));
    }
  }, Error);
  const errors = { near: await near, far: await far };
  listener.close();
  for (const { message } of Object.values(errors)) assert(!message.includes("\n"), message);
  return errors;
}

const server = tlsTransport(SERVER);

Deno.test("tlsTransport() refuses a server whose CA the client does not know, at once and for good", async () => {
  for (const options of [{}, { caCerts: [fixture("other_ca.pem")] }]) {
    const { near, far } = await meet(tlsTransport(options), server);
    assert(near.message.startsWith("Cannot connect to 127.0.0.1:"), near.message);
    assert(near.message.includes("signed by no CA that this client trusts"), near.message);
    // Not one that asks for another try.
    assert(!(near instanceof ConnectionClosedError));
    assert(far.message.includes("does not take this side's certificate"), far.message);
  }
});

Deno.test("tlsTransport() refuses a certificate for another host, and names both", async () => {
  const { near } = await meet(
    tlsTransport({ caCerts: [CA], serverName: "fl.example.org" }),
    server,
  );
  assert(
    near.message.endsWith(
      "the server's certificate is for localhost, 127.0.0.1, not for fl.example.org",
    ),
    near.message,
  );
  assert(!(near instanceof ConnectionClosedError));
});

Deno.test("tlsTransport() takes a certificate for the name that is expected, whatever the address", async () => {
  const listener = await server.listen("127.0.0.1:0");
  const client = tlsTransport({ caCerts: [CA], serverName: "localhost" });
  const [near, far] = await Promise.all([client.connect(listener.address), accept(listener)]);
  const connection = new Connection(near), other = new Connection(far);
  await connection.send(HELLO);
  assertEquals((await other.receive())?.message, HELLO);
  await Promise.all([connection.close(), other.close()]);
  listener.close();
});

Deno.test("a plain client of a TLS server, and the reverse, are told of TLS", async () => {
  const plain = await meet(tcpTransport, server);
  assert(plain.near.message.endsWith("which is TLS"), plain.near.message);
  assert(plain.far.message.endsWith("the other side does not speak TLS"), plain.far.message);
  const secure = await meet(tlsTransport({ caCerts: [CA] }), tcpTransport);
  assert(secure.near.message.endsWith("the other side does not speak TLS"), secure.near.message);
  assert(secure.far.message.endsWith("which is TLS"), secure.far.message);
});

Deno.test("tlsTransport: a server that ends during the handshake may be tried again", async () => {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const closed = accept(listener).then(async (channel) => {
    await channel.read(new Uint8Array(4096));
    channel.close();
  });
  const error = await assertRejects(
    () => tlsTransport({ caCerts: [CA] }).connect(listener.address),
    ConnectionClosedError,
  );
  assert(error.message.startsWith(`Cannot connect to ${listener.address}: `), error.message);
  await closed;
  listener.close();
});

Deno.test("tlsTransport: connect() to a server that never answers the handshake rejects with the signal's reason", async () => {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const controller = new AbortController();
  const connecting = assertRejects(
    () => tlsTransport({ caCerts: [CA] }).connect(listener.address, { signal: controller.signal }),
    Error,
    "The user pressed Ctrl-C",
  );
  const channel = await accept(listener);
  await channel.read(new Uint8Array(4096));
  controller.abort(new Error("The user pressed Ctrl-C"));
  await connecting;
  channel.close();
  listener.close();
});

Deno.test("tlsTransport: a peer that never begins the handshake lets no other wait", async () => {
  const listener = await server.listen("127.0.0.1:0");
  const silent = await tcpTransport.connect(listener.address);
  const first = await accept(listener);
  const client = tlsTransport({ caCerts: [CA] });
  const [near, far] = await Promise.all([client.connect(listener.address), accept(listener)]);
  for (const one of [silent, first, near, far, listener]) one.close();
});

Deno.test("tlsTransport: what travels is not to be read on the way", async () => {
  const listener = await server.listen("127.0.0.1:0");
  const relay = await tcpTransport.listen("127.0.0.1:0");
  let seen = "";
  const relayed = (async () => {
    const client = await accept(relay);
    const behind = await tcpTransport.connect(listener.address);
    const pass = async (from: Channel, to: Channel) => {
      const bytes = new Uint8Array(65536);
      for (let n; (n = await from.read(bytes)) !== null;) {
        seen += new TextDecoder("latin1").decode(bytes.subarray(0, n));
        await to.write(bytes.slice(0, n));
      }
      await to.closeWrite();
    };
    await Promise.all([pass(client, behind), pass(behind, client)]);
    client.close();
    behind.close();
  })();
  const client = tlsTransport({ caCerts: [CA] });
  const [near, far] = await Promise.all([client.connect(relay.address), accept(listener)]);
  const connection = new Connection(near), other = new Connection(far);
  const secret = { code: MessageCode.Exit, payload: { reason: "a session token" } } as const;
  await connection.send(secret);
  assertEquals((await other.receive())?.message, secret);
  await Promise.all([connection.close(), other.close()]);
  await relayed;
  assert(seen.length > 500 && !seen.includes("session") && !seen.includes("FLab"));
  relay.close();
  listener.close();
});

Deno.test("tlsTransport() refuses options that cannot work, and never shows a key", async () => {
  const broken: [TlsOptions, typeof TypeError | typeof SyntaxError, string][] = [
    [
      { cert: SERVER.cert },
      TypeError,
      "expected a certificate and its key, got only the certificate",
    ],
    [{ key: SERVER.key }, TypeError, "expected a certificate and its key, got only the key"],
    [{ cert: SERVER.key, key: SERVER.key }, SyntaxError, "expected cert to be a PEM text"],
    [{ cert: SERVER.cert, key: SERVER.cert }, SyntaxError, "expected key to be a PEM text"],
    [{ caCerts: [CA, SERVER.key] }, SyntaxError, "expected caCerts[1] to be a PEM text"],
  ];
  for (const [options, kind, words] of broken) {
    const { message } = assertThrows(() => tlsTransport(options), kind, words);
    assert(!message.includes(SERVER.key.split("\n")[1] ?? ""), message);
    assert(!message.includes("\n"), message);
  }
  await assertRejects(
    () => tlsTransport({ caCerts: [CA] }).listen("127.0.0.1:0"),
    TypeError,
    "Cannot listen on 127.0.0.1:0: TLS needs a certificate and its key",
  );
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
  ]) as CryptoKeyPair;
  const other = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).toBase64();
  const key = `-----BEGIN PRIVATE KEY-----\n${other}\n-----END PRIVATE KEY-----\n`;
  await assertRejects(
    () => tlsTransport({ cert: SERVER.cert, key }).listen("127.0.0.1:0"),
    Error,
    "Cannot listen on 127.0.0.1:0: the key is not the certificate's",
  );
});
