import { MessageCode, type Random } from "../../mod.ts";
import { type Bytes, concat, frameOf, FRAMES, noise, pick, READY } from "./frames.ts";
import { JOINED } from "./joined.ts";
import * as mutations from "./mutations.ts";
import { exchange, reset, silent, trickle } from "./sockets.ts";
import { type Answer, type Attacks, parseAnswer, type Target } from "./target.ts";
import * as bytes from "./websocket_bytes.ts";

const REGISTRATION = FRAMES[MessageCode.Registration] ?? new Uint8Array();
const STATUS = /^HTTP\/1\.1 (\d{3}) [A-Z][A-Za-z ]+$/;

/**
 * Reads what a WebSocket server's bytes say: the HTTP status, statuses of closing, and what is in
 * the messages. Throws when they are not sound.
 */
export function parseWebSocketAnswer(bytes: Bytes): Answer {
  if (bytes.length === 0) return [];
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...headers] = text.slice(0, Math.max(0, end)).split("\r\n");
  const status = STATUS.exec(first)?.[1];
  if (status === undefined || headers.some((line) => !/^[a-z-]+: [ -~]+$/.test(line))) {
    throw new Error(`No HTTP answer: ${JSON.stringify(text.slice(0, 200))}`);
  }
  const rest = bytes.subarray(end + 4);
  if (status === "101") return ["HTTP 101", ...parseFrames(rest)];
  if (!headers.includes(`content-length: ${rest.length}`)) {
    throw new Error(`HTTP ${status} with ${rest.length} bytes, expected ${headers}`);
  }
  return [`HTTP ${status}`];
}

function parseFrames(bytes: Bytes): Answer {
  const data: Uint8Array[] = [];
  const statuses: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 2 <= bytes.length;) {
    const first = view.getUint8(at), short = view.getUint8(at + 1);
    const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (at + 2 + extra > bytes.length) break;
    const length = extra === 0
      ? short
      : extra === 2
      ? view.getUint16(at + 2)
      : Number(view.getBigUint64(at + 2));
    at += 2 + extra;
    const payload = bytes.subarray(at, at + length);
    if (![0x82, 0x88, 0x8a].includes(first) || short > 127 || statuses.length > 0) {
      throw new Error(`Frame ${first.toString(16)} ${short} after ${statuses}`);
    }
    if (payload.length < length) break;
    at += length;
    if (first === 0x82) data.push(payload.subarray(4));
    if (first === 0x88) statuses.push(`close ${[...payload].join(" ")}`);
  }
  return [...parseAnswer(concat(...data)), ...statuses];
}

function pathOf({ address }: Target): string {
  return new URL(address).pathname;
}

async function send(target: Target, ...sent: readonly Bytes[]): Promise<Answer> {
  return parseWebSocketAnswer(await exchange(target, sent));
}

/** Sends what comes after a request that is upgraded; with it, or in writes of its own. */
function upgraded(target: Target, after: Bytes): Promise<Answer> {
  const request = bytes.soundRequest(pathOf(target));
  return target.random.below(2) === 0
    ? send(target, concat(request, after))
    : send(target, request, ...bytes.pieces(target.random, after));
}

/** What a client may well say first. */
function beginning(random: Random): Bytes {
  return random.below(2) === 0 ? REGISTRATION : concat(REGISTRATION, frameOf(READY));
}

/** What a server says besides that it is there. */
function answered(bytes: Bytes): Answer {
  return parseWebSocketAnswer(bytes).filter((name) => name !== "Heartbeat");
}

/** What is sound has to be understood, however it is cut up. */
async function sound(target: Target): Promise<Answer> {
  const { random } = target;
  const request = bytes.soundRequest(pathOf(target));
  const frames = concat(request, ...bytes.fragmented(random, REGISTRATION));
  const heard = await exchange(
    target,
    bytes.pieces(random, frames),
    (heard) => {
      const text = new TextDecoder("latin1").decode(heard.subarray(0, 1000));
      return text.includes("\r\n\r\n") && answered(heard).length > 1;
    },
  );
  const answer = answered(heard);
  const [, first = "nothing"] = answer;
  if (!target.signal.aborted && !UNDERSTOOD.has(first)) {
    throw new Error(`A sound registration was answered by ${answer}`);
  }
  return answer;
}

const UNDERSTOOD = new Set(["IdAssignment", "Challenge", "group-full"]);

/** Cases of a server on WebSockets. */
export const WEBSOCKET_ATTACKS: Attacks = [
  ["request, mutated", 12, (target) => {
    const request = bytes.soundRequest(pathOf(target));
    const changed = mutations.mutated(target.random, request);
    return send(target, concat(changed, bytes.messages(target.random, REGISTRATION)));
  }],
  ["request, odd", 12, (target) => {
    const { random } = target;
    const request = bytes.anyRequest(random, pathOf(target));
    const after = random.below(2) === 0 ? bytes.messages(random, REGISTRATION) : request;
    return send(target, concat(request, after));
  }],
  ["truncated", 5, (target) => {
    const { random, index } = target;
    const whole = concat(
      bytes.soundRequest(pathOf(target)),
      bytes.messages(random, beginning(random)),
    );
    return send(target, whole.slice(0, index % whole.length));
  }],
  ["random", 3, (target) => send(target, noise(target.random, target.random.below(500)))],
  ["frames, mutated", 15, (target) => {
    const { random } = target;
    const frames = bytes.messages(random, beginning(random));
    return upgraded(target, mutations.mutated(random, frames));
  }],
  ["fragments, mutated", 8, (target) => {
    const { random } = target;
    const frames = concat(...bytes.fragmented(random, beginning(random)));
    return upgraded(target, mutations.mutated(random, frames));
  }],
  ["frames, odd", 15, (target) => {
    const { random } = target;
    const before = random.below(2) === 0 ? bytes.messages(random, REGISTRATION) : new Uint8Array();
    return upgraded(target, concat(before, bytes.anyFrames(random)));
  }],
  ["sound", 8, sound],
  ["inner, mutated", 10, (target) => {
    const { random } = target;
    return upgraded(target, bytes.messages(random, mutations.any(random)));
  }],
  ["inner, cut up", 5, (target) => {
    const { random } = target;
    return upgraded(target, concat(...bytes.fragmented(random, mutations.mutated(random))));
  }],
  ["without credit", 1, (target) => {
    // More than a peer may send before it is granted anything.
    return upgraded(target, bytes.messages(target.random, new Uint8Array(100_000)));
  }],
  ["flood", 0.5, (target) => {
    const { random } = target;
    const control = { opcode: pick(random, [0, 2, 9, 10]), payload: noise(random, 4) };
    const isFinal = random.below(2) === 0;
    const frame = bytes.frameBytes({ ...control, isFinal, mask: noise(random, 4) });
    return upgraded(target, concat(...Array<Bytes>(3000).fill(frame)));
  }],
  ["reset", 3, (target) => {
    const { random } = target;
    const request = bytes.soundRequest(pathOf(target));
    const frames = bytes.messages(random, beginning(random));
    const whole = concat(request, random.below(2) === 0 ? frames : bytes.anyFrames(random));
    return reset(target, whole.slice(0, random.below(whole.length)));
  }],
  ["silent", 2, (target) => silent(target, target.random.below(300))],
  [
    "trickled",
    1,
    (target) =>
      trickle(target, bytes.soundRequest(pathOf(target)).slice(0, 1 + target.random.below(40))),
  ],
  ...JOINED,
];
