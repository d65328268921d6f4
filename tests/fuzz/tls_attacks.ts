import { type Bytes, concat, noise, pick } from "./frames.ts";
import { JOINED } from "./joined.ts";
import * as mutations from "./mutations.ts";
import { exchange, reset, silent, trickle } from "./sockets.ts";
import { type Answer, type Attacks, parseAnswer, type Target } from "./target.ts";

/** What a client of TLS says first, caught from this runtime's own. */
const HELLO: Bytes = await (async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connectTls({ hostname: "127.0.0.1", port: listener.addr.port })
    .then((connection) => connection.handshake().finally(() => connection.close()));
  connecting.catch(() => {});
  using socket = await listener.accept();
  const bytes = new Uint8Array(4096);
  const hello = bytes.slice(0, await socket.read(bytes) ?? 0);
  return hello;
})();

/** Sends bytes as they are; what the server answers is TLS's business. */
async function send(target: Target, bytes: Bytes): Promise<Answer> {
  const heard = await exchange(target, [bytes]);
  // A record of an alert, or of a handshake.
  return heard.length === 0 ? [] : [`record ${heard[0]}`];
}

/** Sends bytes within TLS, and hears the server out. */
async function within(target: Target, bytes: Bytes): Promise<Answer> {
  const { transport, address, signal } = target;
  const channel = await transport.connect(address, { signal });
  signal.addEventListener("abort", () => channel.close(), { once: true });
  const heard: Bytes[] = [];
  try {
    const writing = channel.write(bytes).then(() => channel.closeWrite());
    writing.catch(() => {});
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const count = await channel.read(buffer);
      if (count === null) break;
      heard.push(buffer.slice(0, count));
    }
    await writing;
  } catch {
    /* the server need not hear a broken frame to its end */
  } finally {
    channel.close();
  }
  return parseAnswer(concat(...heard));
}

/** Cases of a server on TLS. */
export const TLS_ATTACKS: Attacks = [
  ["hello, mutated", 20, (target) => send(target, mutations.mutated(target.random, HELLO))],
  ["hello, truncated", 8, (target) => send(target, HELLO.slice(0, target.index % HELLO.length))],
  ["hello, then noise", 8, (target) => {
    const { random } = target;
    const length = random.below(300);
    const record = Uint8Array.of(pick(random, [20, 21, 22, 23, 99]), 3, 3, length >> 8, length);
    return send(target, concat(HELLO, record, noise(random, length)));
  }],
  ["plain", 12, (target) => send(target, mutations.mutated(target.random))],
  ["random", 5, (target) => send(target, noise(target.random, target.random.below(2000)))],
  ["inside", 20, (target) => {
    const { random } = target;
    return within(target, mutations.any(random));
  }],
  ["reset", 4, (target) => reset(target, HELLO.slice(0, target.random.below(HELLO.length)))],
  ["silent", 2, (target) => silent(target, target.random.below(300))],
  ["trickled", 1, (target) => trickle(target, HELLO.slice(0, 40))],
  ...JOINED,
];
