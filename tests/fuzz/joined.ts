import { MessageCode, type Random } from "../../mod.ts";
import { answerChallenge } from "../../src/auth/mod.ts";
import { parseCodec } from "../../src/codec/mod.ts";
import { Connection } from "../../src/net/mod.ts";
import { decodeBody, decodePrefix, type Message, PREFIX_BYTES } from "../../src/wire/mod.ts";
import { type Bytes, concat, frameOf, FRAMES, noise, pick, READY } from "./frames.ts";
import * as mutations from "./mutations.ts";
import { CODEC, LENGTH, LOCAL, TOKEN, WORLD_SIZE } from "./run.ts";
import { pause } from "./sockets.ts";
import { type Answer, type Attacks, nameOf, type Target } from "./target.ts";

/**
 * As long as an attacker waits for what may not come: an answer, and a round in which it is asked.
 */
const WAIT_MILLIS = 150, ROUND_MILLIS = 1000;

/** Options of {@linkcode joined}. */
interface JoinedOptions {
  /** Makes something else of the answer to a challenge. */
  readonly prove?: (proof: Bytes) => Bytes;
  /** Codecs that the peer names. */
  readonly codecs?: readonly string[];
}

/**
 * Joins by the rules, does as it likes, and hears what comes of it. With `prove` it answers a
 * challenge by what that makes of the proof, and does nothing else.
 */
async function joined(
  target: Target,
  act: (write: (bytes: Bytes) => Promise<void>, round: number) => Promise<void>,
  { prove, codecs }: JoinedOptions = {},
): Promise<Answer> {
  const { address, transport, signal } = target;
  const channel = await transport.connect(address, { signal });
  const connection = new Connection(channel);
  signal.addEventListener("abort", () => channel.close(), { once: true });
  const heard: string[] = [];
  let round = 0, isForged = false;
  const asked = Promise.withResolvers<void>();
  const next = async (): Promise<Message | undefined> => {
    const message = (await connection.receive())?.message;
    if (message === undefined) return undefined;
    heard.push(nameOf(message));
    if (
      message.code === MessageCode.ParameterUpdate || message.code === MessageCode.CompressedUpdate
    ) {
      round = message.payload.round;
      asked.resolve();
    }
    return message.code === MessageCode.Error ? undefined : message;
  };
  const talk = async (): Promise<void> => {
    await connection.send({
      code: MessageCode.Registration,
      payload: { agent: "fuzz", worldSize: WORLD_SIZE, ...(codecs && { codecs }) },
    });
    const first = await next();
    if (first === undefined) return;
    if (first.code === MessageCode.Challenge) {
      const payload = await answerChallenge({ kind: "token", token: TOKEN }, first.payload);
      if (prove !== undefined) {
        const bytes = prove(frameOf({ code: MessageCode.Proof, payload }));
        isForged = !hasProof(bytes, payload.signature);
        await channel.write(bytes);
        while (await next());
        return;
      }
      await connection.send({ code: MessageCode.Proof, payload });
      if (!await next()) return;
    }
    await connection.send(codecs?.includes("delta") ? readyWith(target.random) : READY);
    const listening = (async () => {
      while (await next());
    })().catch(() => {});
    await Promise.race([pause(ROUND_MILLIS), listening, asked.promise]);
    await act((bytes) => channel.write(bytes), round);
    await Promise.race([pause(WAIT_MILLIS), listening]);
  };
  try {
    await talk();
  } catch {
    /* it was thrown out, as it deserved */
  } finally {
    channel.close();
  }
  if (isForged && heard.includes("IdAssignment")) throw new Error("A forged proof was taken");
  return heard;
}

/** Says that it is ready, and has parameters that it may not have. */
function readyWith(random: Random): Message {
  const { payload } = READY;
  const claim = { base: pick(random, [1, 2, 2 ** 32 - 1]), holds: noise(random, 32).toHex() };
  return { ...READY, payload: { ...payload, ...claim } } as Message;
}

/** Whether the bytes are a frame of a proof with this signature. */
function hasProof(bytes: Bytes, signature: string): boolean {
  try {
    const { code } = decodePrefix(bytes);
    const { payload } = decodeBody(code, bytes.slice(PREFIX_BYTES));
    return "method" in payload && payload.signature?.toLowerCase() === signature;
  } catch {
    return false;
  }
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

/** Numbers of values, of which one is right. */
const LENGTHS = [0, 1, LENGTH - 1, LENGTH, LENGTH + 1, 10 * LENGTH, 40_000];

/** Encoded updates that break the rules of codecs, or of the round. */
function badCodes(random: Random, round: number): Bytes {
  const codec = pick(random, [
    CODEC,
    CODEC,
    CODEC,
    "eden:bits=9",
    "topk:share=1",
    "int4",
    "\u202e",
  ]);
  // Those of the tensor that stays on the clients are more than there may be.
  const travels = LENGTH - LOCAL;
  const size = parseCodec(CODEC).size(pick(random, [travels, travels, LENGTH, ...LENGTHS]));
  const lengthOf = (right: number) => pick(random, [right, right, right, ...LENGTHS]);
  const scales = new Float32Array(lengthOf(size.scales)).fill(1e-3);
  if (random.below(2) === 0) {
    scales[random.below(scales.length + 1)] = pick(random, [NaN, Infinity, -1, -0, 3e38]);
  }
  return frameOf({
    code: MessageCode.CompressedUpdate,
    payload: {
      round: Math.max(1, round + pick(random, [0, 0, 0, -1, 1, 2 ** 32 - 1 - round])),
      ...(random.below(8) > 0 && { numSamples: pick(random, [1, 7, Number.MAX_SAFE_INTEGER]) }),
      codec,
      ...(random.below(8) === 0 && { base: 1 }),
      scales,
      codes: noise(random, lengthOf(size.codes)),
      ...(random.below(4) === 0 && { plain: new Float32Array(pick(random, [LOCAL, ...LENGTHS])) }),
    },
  });
}

/** Cases of a peer that has joined. */
export const JOINED: Attacks = [
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
  ["joined, flood", 0.5, (target) => {
    const code = pick(target.random, [MessageCode.Heartbeat, MessageCode.EvaluateParams]);
    const frames = Array<Bytes>(1000).fill(FRAMES[code] ?? new Uint8Array());
    return joined(target, (write) => write(concat(...frames)));
  }],
  ["joined, codes", 8, (target) => {
    const { random } = target;
    const codecs = pick(random, [["int8", "delta"], ["int8", "eden"], ["int8"], ["none"], []]);
    return joined(target, async (write, round) => {
      for (let n = 1 + random.below(3); n > 0; n--) {
        const update = badCodes(random, round);
        await write(random.below(4) === 0 ? mutations.mutated(random, update) : update);
      }
    }, { codecs });
  }],
  ["proof, mutated", 3, (target) => {
    const { random } = target;
    const prove = (proof: Bytes) => mutations.mutated(random, proof);
    return joined(target, () => Promise.resolve(), { prove });
  }],
];
