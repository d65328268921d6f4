import type { Random } from "../../mod.ts";
import { type Message, PREFIX_BYTES } from "../../src/wire/mod.ts";
import {
  type Bytes,
  cbor,
  concat,
  framed,
  FRAMES,
  head,
  map,
  MESSAGES,
  noise,
  pick,
  text,
} from "./frames.ts";

/** Where to change a frame: its head more often than its numbers. */
function place(random: Random, frame: Bytes): number {
  return random.below(random.below(4) === 0 ? frame.length : Math.min(frame.length, 160));
}

const CHANGES: readonly ((random: Random, frame: Bytes) => Bytes)[] = [
  function flipBits(random, frame) {
    for (let n = 1 + random.below(8); n > 0; n--) {
      const at = place(random, frame);
      frame[at] = (frame[at] ?? 0) ^ (1 << random.below(8));
    }
    return frame;
  },
  function swapBytes(random, frame) {
    const a = place(random, frame), b = place(random, frame);
    [frame[a], frame[b]] = [frame[b] ?? 0, frame[a] ?? 0];
    return frame;
  },
  function setByte(random, frame) {
    frame[place(random, frame)] = pick(random, [0, 0x1B, 0x5F, 0x7F, 0x80, 0xBF, 0xF7, 0xFF]);
    return frame;
  },
  function insert(random, frame) {
    const at = place(random, frame);
    return concat(frame.subarray(0, at), noise(random, 1 + random.below(16)), frame.subarray(at));
  },
  function remove(random, frame) {
    const at = place(random, frame);
    return concat(frame.subarray(0, at), frame.subarray(at + 1 + random.below(16)));
  },
  function truncate(random, frame) {
    return frame.slice(0, place(random, frame));
  },
  function splice(random, frame) {
    const other = pick(random, FRAMES);
    return concat(
      frame.subarray(0, place(random, frame)),
      other.subarray(place(random, other)),
    );
  },
];

/**
 * The body's length in the prefix made right again, so that the change is met by the reader of
 * bodies.
 */
function mendLength(frame: Bytes): Bytes {
  if (frame.length < PREFIX_BYTES) return frame;
  new DataView(frame.buffer).setBigUint64(8, BigInt(frame.length - PREFIX_BYTES), true);
  return frame;
}

/** A sound frame, changed once or a few times. */
export function mutated(random: Random, frame: Bytes = pick(random, FRAMES)): Bytes {
  let changed = frame.slice();
  for (let n = 1 + random.below(3); n > 0 && changed.length > 0; n--) {
    changed = pick(random, CHANGES)(random, changed);
  }
  return random.below(2) === 0 ? mendLength(changed) : changed;
}

const OFFSETS: readonly (readonly [Bytes, number])[] = FRAMES.flatMap((frame) =>
  Array.from({ length: Math.min(frame.length, 400) }, (_, at) => [frame, at] as const)
);

/** The n-th truncation of all: each frame after each of its first bytes. */
export function truncated(n: number): Bytes {
  const [frame, at] = OFFSETS[n % OFFSETS.length] ?? [new Uint8Array(), 0];
  return frame.slice(0, at);
}

/** Values that fields do not expect. */
export const WRONG: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 32,
  2 ** 53 - 1,
  2n ** 64n - 1n,
  -(2n ** 64n),
  1e308,
  "",
  "7",
  "\u0000\u001b[2J\n\u2028",
  "x".repeat(70_000),
  "__proto__",
  [],
  [[[[]]]],
  new Array(1000).fill(0),
  {},
  { a: { b: { c: {} } } },
  { __proto__: 1, constructor: 2, toString: 3 },
  new Uint8Array(5),
  new Float32Array(3),
];

/** A sound message with one field of another kind, one that is missing, or one too many. */
export function confused(random: Random, message: Message = pick(random, MESSAGES)): Bytes {
  const { code, payload } = message;
  const entries = Object.entries(payload).map(([key, value]) => [key, cbor(value)] as const);
  const wrong = cbor(pick(random, WRONG));
  const at = random.below(entries.length + 1);
  const [key = pick(random, ["extra", "__proto__", "constructor", "pad"])] = entries[at] ?? [];
  if (random.below(5) === 0) entries.splice(at, 1);
  else entries.splice(at, 1, [key, wrong]);
  return framed(code, map(entries));
}

const LENGTHS = [
  0n,
  1n,
  2n ** 16n,
  2n ** 20n,
  2n ** 20n + 1n,
  2n ** 31n,
  2n ** 31n + 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** A frame, or an item in one, that says it is longer than anything. */
export function overlong(random: Random): Bytes {
  const code = random.below(13), length = pick(random, LENGTHS);
  if (random.below(2) === 0) return framed(code, noise(random, random.below(64)), length);
  const item = concat(head(2 + random.below(4), length, true), noise(random, random.below(64)));
  return framed(code, random.below(2) === 0 ? item : map([["agent", item]]));
}

const cyclic = concat(head(6, 28), head(4, 1), head(6, 29), head(0, 0));

/** Items with the tags of CBOR's extensions. */
const TAGGED: readonly ((random: Random) => Bytes)[] = [
  () => cyclic,
  () => concat(head(6, 28), map([["self", concat(head(6, 29), head(0, 0))]])),
  (random) => concat(head(6, 105), cbor([random.below(100), ["a", "b"], 1, 2])),
  (random) => concat(head(6, 2 + random.below(2)), cbor(noise(random, 20_000))),
  (random) => concat(head(6, 85), cbor(pick(random, ["text", 5, [1], {}, null]))),
  (random) => concat(head(6, 85), cbor(noise(random, 1 + random.below(9)))),
  (random) => concat(head(6, 64 + random.below(24)), cbor(noise(random, 16))),
  (random) => concat(head(6, random.uint32()), cbor(1)),
  (random) => concat(head(6, pick(random, [0, 1, 27, 258, 259, 1536, 0x6469])), cbor("x")),
  () => concat(head(6, 27), cbor(["Function", "return 1"])),
];

/** A message with a tagged item in place of a field, or of its body. */
export function tagged(random: Random, message: Message = pick(random, MESSAGES)): Bytes {
  const item = pick(random, TAGGED)(random);
  if (random.below(4) === 0) return framed(message.code, item);
  const entries = Object.entries(message.payload).map(([key, value]) =>
    [key, cbor(value)] as const
  );
  const [key = "agent"] = pick(random, [...entries, ["agent"] as const]);
  return framed(message.code, map([...entries.filter(([one]) => one !== key), [key, item]]));
}

/** A message in which something lies very deep. */
export function deep(random: Random): Bytes {
  const depth = pick(random, [60, 63, 64, 65, 100, 10_000, 300_000]);
  const level = pick(random, [head(4, 1), concat(head(5, 1), text("a")), head(6, 1), head(4, 2)]);
  const levels = new Uint8Array(depth * level.length);
  for (let at = 0; at < levels.length; at += level.length) levels.set(level, at);
  const item = concat(levels, head(0, 0));
  return framed(pick(random, MESSAGES).code, map([["reason", item]]));
}

/** A map with keys that stand twice, or a great number of them. */
export function repeated(random: Random): Bytes {
  const { code, payload } = pick(random, MESSAGES);
  const entries = Object.entries(payload).map(([key, value]) => [key, cbor(value)] as const);
  if (random.below(2) === 0) {
    const again = pick(random, entries.length > 0 ? entries : [["a", cbor(1)] as const]);
    return framed(code, map([...entries, again, again]));
  }
  const many = Array.from(
    { length: pick(random, [100, 10_000, 50_000]) },
    (_, i) => [i.toString(36), cbor(0)] as const,
  );
  return framed(code, map([...entries, ["metrics", map(many)]]));
}

/** Anything, as a body or bare. */
export function random(random: Random): Bytes {
  const bytes = noise(random, random.below(random.below(8) === 0 ? 8192 : 256));
  return random.below(2) === 0 ? bytes : framed(random.below(13), bytes);
}

/** A frame that is mutated, confused, overlong, tagged or random. */
export function any(source: Random): Bytes {
  return pick(source, [mutated, confused, overlong, tagged, random])(source);
}
