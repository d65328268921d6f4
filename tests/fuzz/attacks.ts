import { MessageCode, type Random } from "../../mod.ts";
import type { Message } from "../../src/wire/mod.ts";
import { type Bytes, concat, frameOf, FRAMES, MESSAGES, noise, pick } from "./frames.ts";
import { JOINED } from "./joined.ts";
import * as mutations from "./mutations.ts";
import { WORLD_SIZE } from "./run.ts";
import { exchange, reset, silent, trickle } from "./sockets.ts";
import {
  type Answer,
  type Attack,
  type Attacks,
  choose,
  parseAnswer,
  type Target,
} from "./target.ts";
import { TLS_ATTACKS } from "./tls_attacks.ts";
import { WEBSOCKET_ATTACKS } from "./websocket_attacks.ts";

/** A case that is not over by then is broken off. */
export const CASE_MILLIS = 3000;

/** Sends the bytes and hears the server out. */
async function send(target: Target, bytes: Bytes): Promise<Answer> {
  return parseAnswer(await exchange(target, [bytes]));
}

const mutation = (make: (random: Random) => Bytes): Attack => (target) =>
  send(target, make(target.random));

/** Cases of a server on TCP. */
const TCP_ATTACKS: Attacks = [
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
  ["flood", 0.5, (target) => {
    const frames = Array<Bytes>(2000).fill(FRAMES[MessageCode.Heartbeat] ?? new Uint8Array());
    return send(target, concat(...frames));
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
  ["silent", 2, (target) => silent(target, target.random.below(300))],
  [
    "trickled",
    1,
    (target) => trickle(target, mutations.truncated(target.random.below(4000)).subarray(0, 40)),
  ],
  ...JOINED,
];

/**
 * Carries out the case that the random numbers choose; gives its kind and what the server said.
 * Throws when the server said nonsense.
 */
export async function attack(target: Target): Promise<{ kind: string; answer: Answer }> {
  const attacks: Readonly<Record<string, Attacks>> = {
    tls: TLS_ATTACKS,
    websocket: WEBSOCKET_ATTACKS,
  };
  const [kind, , act] = choose(attacks[target.transport.name] ?? TCP_ATTACKS, target.random);
  return { kind, answer: await act(target) };
}
