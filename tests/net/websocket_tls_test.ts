import { assert, assertRejects } from "jsr:@std/assert@1.0.19";
import { ConnectionClosedError } from "../../src/base/errors.ts";
import { tcpTransport } from "../../src/net/tcp.ts";
import { tlsTransport } from "../../src/net/tls/transport.ts";
import { websocketsSettled, websocketTransport } from "../../src/net/websocket/transport.ts";
import { testTransport } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function test(claim: string, run: () => Promise<void>): void {
  Deno.test(claim, async () => {
    await run();
    await websocketsSettled();
  });
}

function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

const CA = fixture("ca.pem");
const SERVER = { cert: fixture("server.pem"), key: fixture("server.key") };

testTransport(
  "websocketTransport with TLS",
  websocketTransport({ ...SERVER, caCerts: [CA] }),
  "wss://127.0.0.1:0/federation",
  { settled: websocketsSettled },
);

test("websocketTransport: a certificate goes with wss, and wss with a certificate", async () => {
  await assertRejects(
    () => websocketTransport().listen("wss://127.0.0.1:0/"),
    TypeError,
    "needs a certificate",
  );
  await assertRejects(
    () => websocketTransport(SERVER).listen("ws://127.0.0.1:0/"),
    TypeError,
    "expected wss, since there is a certificate",
  );
});

test("websocketTransport: a server whose CA the client does not know is refused for good", async () => {
  const listener = await websocketTransport(SERVER).listen("wss://127.0.0.1:0/");
  const accepting = (async () => {
    // The handshake is the channel's, not the listener's.
    for (let channel; (channel = await listener.accept()) !== null;) {
      await assertRejects(() => channel.read(new Uint8Array(8)), ConnectionClosedError);
    }
  })();
  for (const options of [{}, { caCerts: [fixture("other_ca.pem")] }]) {
    const error = await assertRejects(
      () => websocketTransport(options).connect(listener.address),
      Error,
      "signed by no CA that this client trusts",
    );
    assert(!(error instanceof ConnectionClosedError));
  }
  listener.close();
  await accepting;
});

test("websocketTransport: a server that speaks no TLS, or no WebSocket, is one line", async () => {
  const options = { ...SERVER, caCerts: [CA] };
  for (const server of [tcpTransport, tlsTransport(options)]) {
    const listener = await server.listen("127.0.0.1:0");
    const answering = (async () => {
      // The client may try twice.
      for (let channel; (channel = await listener.accept()) !== null; channel.close()) {
        try {
          await channel.read(new Uint8Array(4096));
          await channel.write(new TextEncoder().encode("FLab, but no HTTP"));
        } catch { /* it is gone already */ }
      }
    })();
    const { message } = await assertRejects(
      () => websocketTransport(options).connect(`wss://${listener.address}/`),
      Error,
    );
    assert(message.startsWith(`Cannot connect to wss://${listener.address}/: `), message);
    assert(!message.includes("\n") && !message.includes("failed to connect"), message);
    listener.close();
    await answering;
  }
});
