import { MessageCode, type Random } from "../../mod.ts";
import { encodeDifference } from "../../src/codec/difference.ts";
import { encodeVector, parseCodec } from "../../src/codec/mod.ts";
import type { CodedVector } from "../../src/codec/vector_coder.ts";
import type { Message } from "../../src/wire/mod.ts";
import { type Bytes, frameOf, noise, pick } from "./frames.ts";
import * as mutations from "./mutations.ts";
import { LENGTH } from "./run.ts";
import { ASSIGNMENT } from "./server_messages.ts";

const CODECS = ["int8", "f32", "int4", "eden:bits=4"];

/** A server that sends encoded parameters and differences to them, more or less soundly. */
export class CodedMessages {
  /** Lets a client in that is sent differences. */
  readonly assignment: Message;
  readonly #random: Random;
  readonly #name: string;
  #round = 0;
  /** Number that the client knows the last parameters by. */
  #number = 0;
  #held: CodedVector | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.#name = pick(random, CODECS);
    const payload = { ...ASSIGNMENT.payload, downlink: `${this.#name}+delta` };
    this.assignment = { code: MessageCode.IdAssignment, payload } as Message;
  }

  /** The next parameters, by the rules: whole at first, then as a difference. */
  sound(): Message {
    const random = this.#random, isTrained = random.below(2) === 0;
    const number = this.#round + (isTrained ? 1 : 2);
    const vector = Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(i) + 1e-3 * number);
    const key = { seed: 1, round: number, rank: 0 };
    const codec = parseCodec(this.#name), whole = encodeVector(codec, vector, key);
    const held = this.#held, codes = held && encodeDifference(codec, held, whole);
    const base = this.#number;
    this.#held = whole;
    this.#number = number;
    this.#round++;
    const payload = {
      ...{ round: this.#round, codec: this.#name },
      ...(codes ? { base, scales: new Float32Array(), codes } : whole),
    };
    return { code: isTrained ? MessageCode.CompressedUpdate : MessageCode.EvaluateParams, payload };
  }

  /** The next parameters, with a difference, a base or an array that is wrong. */
  spoiled(): Bytes {
    const random = this.#random, message = this.sound();
    if (random.below(4) === 0) return mutations.mutated(random, frameOf(message));
    if (random.below(8) === 0) return mutations.confused(random, message);
    const { codes = new Uint8Array() } = message.payload as { codes?: Bytes };
    const changed = codes.slice();
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
    const payload = {
      ...message.payload,
      ...pick(random, [
        { codes: changed },
        { codes: codes.slice(0, random.below(codes.length + 1)) },
        { codes: noise(random, random.below(3000)) },
        { codes: new Uint8Array(random.below(3000)).fill(pick(random, [0, 0x20, 0xFF])) },
        { base: pick(random, [1, 2, this.#number, 2 ** 32 - 1]) },
        { scales: new Float32Array(random.below(20)).fill(pick(random, [1, NaN, -1])) },
        { plain: new Float32Array(random.below(30)) },
        { codec: pick(random, [...CODECS, "zip", `${this.#name}+delta`]) },
      ]),
    };
    return frameOf({ ...message, payload } as Message);
  }
}
