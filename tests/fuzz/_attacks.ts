import net from "node:net";
import {
  Connection,
  decodeBody,
  decodePrefix,
  type Message,
  MessageCode,
  messageName,
  parseAddress,
  PREFIX_BYTES,
  type Random,
  tcpTransport,
} from "../../mod.ts";
import { type Bytes, concat, frameOf, FRAMES, MESSAGES, noise, pick, READY } from "./_frames.ts";
import * as mutations from "./_mutations.ts";
import { LENGTH, WORLD_SIZE } from "./_run.ts";

/** A case that is not over by then is broken off. */
export const CASE_MILLIS = 3000;
/** As long as an attacker waits for what may not come. */
const WAIT_MILLIS = 150;
const MOST_REPLY_BYTES = 256 * 1024;

/** One case's target and means. */
export interface Target {
  readonly address: string;
  readonly random: Random;
  /** Number of the case. */
  readonly index: number;
  /** Aborted when the case's time is over. */
  readonly signal: AbortSignal;
}

/** What a server answered: names of codes, and of faults after `Error`. */
type Answer = readonly string[];

type Attack = (target: Target) => Promise<Answer>;

/** Reads what a server's bytes say. Throws when they are no sound frames. */
function parseAnswer(bytes: Bytes): Answer {
  const heard: string[] = [];
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const { code, bodyLength } = decodePrefix(bytes.subarray(at));
    at += PREFIX_BYTES;
    if (at + bodyLength > bytes.length) break;
    heard.push(nameOf(decodeBody(code, bytes.slice(at, at + bodyLength))));
    at += bodyLength;
  }
  return heard;
}

function nameOf({ code, payload }: Message): string {
  return code === MessageCode.Error ? payload.fault : messageName(code);
}

async function open({ address, signal }: Target): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const socket = await Deno.connect({ ...parseAddress(address), signal });
  signal.addEventListener("abort", () => close(socket), { once: true });
  return socket;
}

function close(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch { /* it is closed already */ }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted;
}

async function writeAll(socket: Deno.TcpConn, bytes: Bytes): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

/** Sends the bytes and hears the server out. */
async function send(target: Target, bytes: Bytes): Promise<Answer> {
  const socket = await open(target);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    const writing = writeAll(socket, bytes).then(() => socket.closeWrite());
    writing.catch(() => {});
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const count = await socket.read(buffer);
      if (count === null) break;
      length += count;
      if (length <= MOST_REPLY_BYTES) pieces.push(buffer.slice(0, count));
    }
    await writing;
  } catch (error) {
    // The server need not hear a broken frame to its end.
    if (!isGone(error) && !target.signal.aborted) throw error;
  } finally {
    close(socket);
  }
  return parseAnswer(concat(...pieces));
}

/** Sends the bytes and is gone at once, by a reset. */
function reset({ address, signal }: Target, bytes: Bytes): Promise<Answer> {
  const { hostname, port } = parseAddress(address);
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = net.connect(port, hostname, () => {
    socket.write(bytes, () => socket.resetAndDestroy());
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(["reset"]));
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  return promise;
}

/** Resolves after so long. */
async function pause(millis: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, millis);
  await promise;
}

/** Joins by the rules, does as it likes, and hears what comes of it. */
async function joined(
  target: Target,
  act: (write: (bytes: Bytes) => Promise<void>, round: number) => Promise<void>,
): Promise<Answer> {
  const channel = await tcpTransport.connect(target.address, { signal: target.signal });
  const connection = new Connection(channel);
  target.signal.addEventListener("abort", () => channel.close(), { once: true });
  const heard: string[] = [];
  let round = 0;
  const next = async () => {
    const message = (await connection.receive())?.message;
    if (message === undefined) return false;
    heard.push(nameOf(message));
    if (message.code === MessageCode.ParameterUpdate) round = message.payload.round;
    return message.code !== MessageCode.Error;
  };
  try {
    await connection.send({
      code: MessageCode.Registration,
      payload: { agent: "fuzz", worldSize: WORLD_SIZE },
    });
    if (!await next()) return heard;
    await connection.send(READY);
    const listening = (async () => {
      while (await next());
    })().catch(() => {});
    await Promise.race([pause(WAIT_MILLIS), listening]);
    await act((bytes) => channel.write(bytes), round);
    await Promise.race([pause(WAIT_MILLIS), listening]);
  } catch {
    /* it was thrown out, as it deserved */
  } finally {
    channel.close();
  }
  return heard;
}

/** Updates that break the rules of the round. */
function badUpdate(random: Random, round: number): Bytes {
  const parameters = new Float32Array(
    pick(random, [LENGTH, LENGTH, 0, 1, LENGTH - 1, LENGTH + 1, 10 * LENGTH, 40_000]),
  );
  if (random.below(2) === 0) {
    parameters[random.below(parameters.length + 1)] = pick(random, [NaN, Infinity, -Infinity]);
  }
  return frameOf({
    code: MessageCode.ParameterUpdate,
    payload: {
      round: Math.max(1, round + pick(random, [0, 0, -1, 1, 7, 2 ** 32 - 1 - round])),
      ...(random.below(8) > 0 && { numSamples: pick(random, [1, 7, Number.MAX_SAFE_INTEGER]) }),
      parameters,
    },
  });
}

const mutation = (make: (random: Random) => Bytes): Attack => (target) =>
  send(target, make(target.random));

/** Each kind of case, and how often it comes. */
const ATTACKS: readonly (readonly [name: string, weight: number, attack: Attack])[] = [
  ["mutated", 25, mutation(mutations.mutated)],
  ["truncated", 10, (target) => send(target, mutations.truncated(target.index))],
  ["random", 8, mutation(mutations.random)],
  ["confused", 12, mutation(mutations.confused)],
  ["overlong", 8, mutation(mutations.overlong)],
  ["tagged", 8, mutation(mutations.tagged)],
  ["deep", 2, mutation(mutations.deep)],
  ["repeated", 2, mutation(mutations.repeated)],
  ["registered", 5, (target) => {
    const { random } = target;
    const rank = pick(random, [1, 2, 3, WORLD_SIZE - 1, WORLD_SIZE, 0xFFFF_FFFF]);
    const registration: Message = {
      code: MessageCode.Registration,
      payload: {
        ...(random.below(3) > 0 && { rank }),
        ...(random.below(3) === 0 && { worldSize: pick(random, [2, WORLD_SIZE, 0xFFFF_FFFF]) }),
        ...(random.below(3) === 0 && { token: noise(random, 16).toHex() }),
        agent: "fuzz\u001b[2J\n",
      },
    };
    return send(target, concat(frameOf(registration), mutations.mutated(random)));
  }],
  ["joined", 6, (target) => {
    const { random } = target;
    return joined(target, async (write, round) => {
      for (let n = 1 + random.below(4); n > 0; n--) await write(badUpdate(random, round));
    });
  }],
  ["joined, mutated", 6, (target) => {
    const { random } = target;
    return joined(target, async (write, round) => {
      const update = badUpdate(random, round);
      const frame = random.below(2) === 0 ? update : pick(random, FRAMES);
      await write(mutations.mutated(random, frame));
    });
  }],
  ["joined, confused", 2, (target) => {
    const { random } = target;
    const make = pick(random, [mutations.confused, mutations.tagged, mutations.overlong]);
    return joined(target, (write) => write(make(random)));
  }],
  ["flood", 0.5, (target) => {
    const frames = Array<Bytes>(2000).fill(FRAMES[MessageCode.Heartbeat] ?? new Uint8Array());
    return send(target, concat(...frames));
  }],
  ["joined, flood", 0.5, (target) => {
    const code = pick(target.random, [MessageCode.Heartbeat, MessageCode.EvaluateParams]);
    const frames = Array<Bytes>(1000).fill(FRAMES[code] ?? new Uint8Array());
    return joined(target, (write) => write(concat(...frames)));
  }],
  ["reset", 3, (target) => {
    const { random } = target;
    const registration = FRAMES[MessageCode.Registration] ?? new Uint8Array();
    return reset(
      target,
      concat(
        random.below(2) === 0 ? registration : new Uint8Array(),
        mutations.mutated(random, frameOf(pick(random, MESSAGES))),
      ),
    );
  }],
  ["silent", 2, async (target) => {
    const socket = await open(target);
    await pause(target.random.below(300));
    close(socket);
    return [];
  }],
  ["trickled", 1, async (target) => {
    const socket = await open(target);
    try {
      for (const byte of mutations.truncated(target.random.below(4000)).subarray(0, 40)) {
        await writeAll(socket, Uint8Array.of(byte));
        await pause(5);
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    } finally {
      close(socket);
    }
    return [];
  }],
];

const TOTAL = ATTACKS.reduce((sum, [, weight]) => sum + weight, 0);

/** Carries out the case that the random numbers choose; gives its kind and what the server said. Throws when the server said nonsense. */
export async function attack(target: Target): Promise<{ kind: string; answer: Answer }> {
  let at = target.random.uniform() * TOTAL;
  const chosen = ATTACKS.find(([, weight]) => (at -= weight) < 0) ?? ATTACKS[0];
  if (chosen === undefined) throw new Error("There are no attacks");
  return { kind: chosen[0], answer: await chosen[2](target) };
}

/** Opens so many connections that say nothing, holds all of them for a while, and drops them; gives how many the server took. */
export async function holdOpen(address: string, count: number, millis: number): Promise<number> {
  const sockets: Deno.TcpConn[] = [];
  try {
    for (let i = 0; i < count; i++) {
      try {
        sockets.push(await Deno.connect(parseAddress(address)));
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) break;
        if (!isGone(error)) throw error;
      }
    }
    await pause(millis);
    return sockets.length;
  } finally {
    for (const socket of sockets) close(socket);
  }
}
