import { MessageCode, type Random } from "../../mod.ts";
import type { Message } from "../../src/wire/mod.ts";
import { CodedMessages } from "./coded_messages.ts";
import { type Bytes, concat, frameOf, noise, pick } from "./frames.ts";
import * as mutations from "./mutations.ts";
import { ASSIGNMENT, CHALLENGE, MODEL_ASSIGNMENT, question, spoiled } from "./server_messages.ts";
import { close, pause, writeAll } from "./sockets.ts";
import * as websocket from "./websocket_bytes.ts";

/** What a server does to one client. */
export interface Malice {
  readonly kind: string;
  readonly random: Random;
  readonly transport: "tcp" | "websocket";
  /** Whether the client builds the model that the server describes. */
  readonly builds: boolean;
}

/** As long as a server waits for what the client may not say. */
const WAIT_MILLIS = 300;
/** As long as the client has with what came last. */
const LAST_MILLIS = 60;
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Kinds of cases, and how often they come. On TCP those of WebSockets are as "joining". */
const KINDS: readonly (readonly [kind: string, weight: number])[] = [
  ["joining", 25],
  ["challenging", 15],
  ["asking", 25],
  ["asking again", 15],
  ["model", 15],
  ["coded", 20],
  ["flood", 1],
  ["answer", 8],
  ["frames", 12],
  ["fragments", 4],
];

/** What happens in a case, by its random numbers. */
export function drawMalice(random: Random): Malice {
  const total = KINDS.reduce((sum, [, weight]) => sum + weight, 0);
  let at = random.uniform() * total;
  const [kind] = KINDS.find(([, weight]) => (at -= weight) < 0) ?? ["joining"];
  const isOfWebSockets = ["answer", "frames", "fragments"].includes(kind);
  const builds = kind === "model" || kind.startsWith("asking") && random.below(5) === 0;
  const transport = isOfWebSockets || random.below(4) === 0 ? "websocket" : "tcp";
  return { kind, random, transport, builds };
}

/** A server of one connection, which says what is not sound. */
export class EvilServer {
  /** All that it has sent, without what the transport adds. */
  readonly said: Bytes[] = [];
  readonly #malice: Malice;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  #socket: Deno.TcpConn | undefined;

  constructor(malice: Malice) {
    this.#malice = malice;
    this.#serving = this.#serve();
  }

  get address(): string {
    const { port } = this.#listener.addr;
    const { transport } = this.#malice;
    return transport === "tcp" ? `127.0.0.1:${port}` : `ws://127.0.0.1:${port}/federation`;
  }

  /** Ends whatever goes on. */
  async stop(): Promise<void> {
    if (this.#socket === undefined) this.#stopListening();
    else close(this.#socket);
    await this.#serving;
  }

  #stopListening(): void {
    try {
      this.#listener.close();
    } catch { /* it is closed */ }
  }

  async #serve(): Promise<void> {
    try {
      this.#socket = await this.#listener.accept();
      // Nobody is there any more when the client comes back.
      this.#stopListening();
      await this.#talk(this.#socket);
      await pause(LAST_MILLIS);
    } catch { /* the client has gone */ }
    this.#stopListening();
    if (this.#socket !== undefined) close(this.#socket);
  }

  async #talk(socket: Deno.TcpConn): Promise<void> {
    const { kind, random, transport, builds } = this.#malice;
    const hearing = new Hearing(socket);
    const listen = () => hearing.next();
    if (transport === "websocket") {
      const head = await answerTo(await listen());
      await writeAll(socket, kind === "answer" ? badAnswer(random, head) : head);
    }
    const say = async (frame: Bytes) => {
      this.said.push(frame);
      await writeAll(socket, transport === "tcp" ? frame : this.#wrapped(frame));
    };
    await listen();
    const sound = builds ? MODEL_ASSIGNMENT : ASSIGNMENT;
    if (kind === "challenging") {
      await say(random.below(3) === 0 ? frameOf(CHALLENGE) : spoiled(random, CHALLENGE));
      await listen();
      return await say(spoiled(random, pick(random, [CHALLENGE, sound])));
    }
    if (kind === "coded") return await this.#sendCodes(say, listen);
    if (!kind.startsWith("asking") && kind !== "flood") return await say(spoiled(random, sound));
    await say(frameOf(sound));
    await listen();
    if (kind === "flood") {
      const frame = spoiled(random, pick(random, FLOODS));
      return await say(concat(...Array<Bytes>(500).fill(frame)));
    }
    let round = 1;
    if (kind === "asking again") {
      await say(frameOf(question(random, { round: round++, builds })));
      await listen();
    }
    await say(spoiled(random, question(random, { round, builds })));
    await listen();
  }

  /** Sends encoded parameters, the first of them by the rules. */
  async #sendCodes(
    say: (frame: Bytes) => Promise<void>,
    listen: () => Promise<Bytes>,
  ): Promise<void> {
    const { random } = this.#malice, messages = new CodedMessages(random);
    await say(frameOf(messages.assignment));
    await listen();
    for (let n = random.below(3); n > 0; n--) {
      await say(frameOf(messages.sound()));
      await listen();
    }
    await say(messages.spoiled());
    await listen();
  }

  #wrapped(frame: Bytes): Bytes {
    const { kind, random } = this.#malice;
    if (kind === "fragments") return concat(...websocket.fragmented(random, frame, false));
    const frames = websocket.messages(random, frame, false);
    if (kind !== "frames") return frames;
    return random.below(2) === 0
      ? mutations.mutated(random, frames)
      : concat(frames, websocket.anyFrames(random, false));
  }
}

const FLOODS: readonly Message[] = [
  { code: MessageCode.Heartbeat, payload: { progress: 1 } },
  { code: MessageCode.Error, payload: { fault: "non-finite", message: "no", fatal: false } },
];

/** What a client says, one read after the other. */
class Hearing {
  #next = Promise.withResolvers<Bytes>();
  #isGone = false;

  constructor(socket: Deno.TcpConn) {
    this.#listen(socket).catch(() => {/* it has gone */}).finally(() => {
      this.#isGone = true;
      this.#next.resolve(new Uint8Array());
    });
  }

  async #listen(socket: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const count = await socket.read(buffer);
      if (count === null) return;
      this.#next.resolve(buffer.slice(0, count));
    }
  }

  /** What comes next, or nothing when that takes too long. Rejects when the client has gone. */
  async next(): Promise<Bytes> {
    const { promise, resolve } = Promise.withResolvers<Bytes>();
    const timer = setTimeout(() => resolve(new Uint8Array()), WAIT_MILLIS);
    try {
      const bytes = await Promise.race([this.#next.promise, promise]);
      if (this.#isGone) throw new Error("The client has gone");
      return bytes;
    } finally {
      clearTimeout(timer);
      this.#next = Promise.withResolvers();
    }
  }
}

/** The answer by which a request is upgraded. */
async function answerTo(request: Bytes): Promise<Bytes> {
  const text = new TextDecoder("latin1").decode(request);
  const key = /sec-websocket-key: (\S+)/i.exec(text)?.[1] ?? "";
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(key + KEY_SUFFIX));
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "upgrade: websocket",
    "connection: Upgrade",
    `sec-websocket-accept: ${new Uint8Array(digest).toBase64()}`,
    "sec-websocket-protocol: fedlab.v1",
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/** Something in place of the answer to a request. */
function badAnswer(random: Random, sound: Bytes): Bytes {
  if (random.below(2) === 0) return mutations.mutated(random, sound);
  if (random.below(4) === 0) return noise(random, 300);
  const text = new TextDecoder().decode(sound);
  const [from, to] = pick(random, [
    ["101", "200"],
    ["101", "301"],
    ["101", "503"],
    ["sec-websocket-protocol: fedlab.v1\r\n", ""],
    ["fedlab.v1", "chat"],
    ["sec-websocket-accept: ", "sec-websocket-accept: x"],
    ["upgrade: ", "sec-websocket-extensions: permessage-deflate\r\nupgrade: "],
    ["upgrade: ", `x: ${"y".repeat(100_000)}\r\nupgrade: `],
    ["HTTP/1.1", "HTTP/1.0"],
  ]);
  return new TextEncoder().encode(text.replace(from ?? "", to ?? ""));
}
