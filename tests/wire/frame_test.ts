import { assert, assertEquals, assertInstanceOf, assertThrows } from "jsr:@std/assert@1.0.19";
import { concat } from "../../src/base/bytes.ts";
import { ProtocolError, type ProtocolFault } from "../../src/base/errors.ts";
import { Random } from "../../src/base/random.ts";
import {
  decodeBody,
  decodePrefix,
  encodeFrame,
  FIELDS_BYTES,
  type Message,
  MessageCode,
  messageName,
  PREFIX_BYTES,
} from "../../src/wire/mod.ts";
import { bodyOf, frameOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DIGEST = "0f".repeat(32);
const PLAN = {
  epochs: 2,
  batchSize: 10,
  learningRate: 0.1,
  momentum: 0.9,
  weightDecay: 1e-4,
  keepMomentum: true,
};
const ASSIGNMENT = {
  rank: 1,
  worldSize: 3,
  rounds: 20,
  run: "a-run",
  token: "0123456789abcdef0123456789abcdef",
  heartbeatSeconds: 2.5,
  awaits: 3,
  seed: 0xFFFF_FFFF,
  strategy: "fedavg",
  plan: PLAN,
  manifest: [
    { name: "logits/kernel", shape: [2, 1], dtype: "float32", trainable: true },
    { name: "logits/bias", shape: [], dtype: "float32", trainable: false },
  ],
  manifestDigest: DIGEST,
  model: { format: "tfjs-layers", topology: { layers: [null, 0.5, "a", true] }, loss: "mse" },
};

const KEY = new Uint8Array(32).fill(7), SIGNATURE = new Uint8Array(64).fill(9);

/** One message of every code, and the forms that a code has. */
const MESSAGES: readonly Message[] = [
  { code: MessageCode.ParameterRequest, payload: {} },
  {
    code: MessageCode.GradientUpdate,
    payload: { round: 1, numSamples: 60, gradient: new Float32Array([0.5, -0.25]) },
  },
  { code: MessageCode.ParameterUpdate, payload: { round: 1, parameters: new Float32Array([1]) } },
  {
    code: MessageCode.ParameterUpdate,
    payload: {
      round: 0xFFFF_FFFF,
      plan: PLAN,
      numSamples: 2 ** 40,
      steps: 0,
      loss: -1.5e-300,
      metrics: { accuracy: 0.5, "größe": 3 },
      parameters: new Float32Array([1, NaN, -Infinity]),
    },
  },
  {
    code: MessageCode.ParameterUpdate,
    payload: {
      round: 1,
      plan: { ...PLAN, optimizer: "sgd", nesterov: true, proximal: 0.01 },
      parameters: new Float32Array([1]),
    },
  },
  {
    code: MessageCode.ParameterUpdate,
    payload: {
      round: 1,
      plan: { ...PLAN, momentum: 0, optimizer: "adam", nesterov: false, proximal: 0 },
      parameters: new Float32Array([1]),
    },
  },
  { code: MessageCode.EvaluateParams, payload: { round: 2, parameters: new Float32Array(3) } },
  {
    code: MessageCode.EvaluateParams,
    payload: { round: 2, numSamples: 10, loss: 0.25, accuracy: 1 },
  },
  { code: MessageCode.Exit, payload: { reason: "the run is over" } },
  { code: MessageCode.Exit, payload: { reason: "the run stopped", over: false } },
  { code: MessageCode.Registration, payload: { agent: "test/1" } },
  { code: MessageCode.Registration, payload: { rank: 2, worldSize: 3, agent: "" } },
  { code: MessageCode.IdAssignment, payload: ASSIGNMENT },
  { code: MessageCode.Heartbeat, payload: {} },
  { code: MessageCode.Error, payload: { fault: "non-finite", message: "NaN", fatal: false } },
  { code: MessageCode.Ready, payload: { manifestDigest: DIGEST, numSamples: 1 } },
  {
    code: MessageCode.Challenge,
    payload: { nonce: DIGEST, methods: ["ed25519", "token"], server: "a server", run: "a-run" },
  },
  { code: MessageCode.Proof, payload: { method: "token", signature: DIGEST } },
  {
    code: MessageCode.Proof,
    payload: { method: "ed25519", publicKey: "A".repeat(43), signature: DIGEST + DIGEST },
  },
  { code: MessageCode.Exit, payload: { reason: "the next run", over: true, next: true } },
  {
    code: MessageCode.CompressedUpdate,
    payload: {
      round: 3,
      numSamples: 2,
      steps: 1,
      codec: "eden:bits=1",
      scales: new Float32Array([0.5]),
      codes: new Uint8Array([1, 2, 3, 4]),
      plain: new Float32Array([1, -1]),
    },
  },
  {
    code: MessageCode.CompressedUpdate,
    payload: {
      ...{ round: 3, base: 2, codec: "f16", plan: PLAN, taken: 1 },
      scales: new Float32Array(0),
      codes: new Uint8Array(6),
    },
  },
  ...[
    { kind: "columns", from: 3, without: ["id"], counted: [] },
    { kind: "classes", target: "target > 0" },
    { kind: "deviations", columns: ["größe"], means: [-0.5] },
    { kind: "histograms", columns: ["a", "b"], lows: [0, 1], highs: [1, 2], bins: 64 },
  ].map((question) => ({
    code: MessageCode.StatisticsRequest,
    payload: { id: 1, minCount: 5, question },
  } as Message)),
  {
    code: MessageCode.StatisticsRequest,
    payload: {
      ...{ id: 1, minCount: 5, question: { kind: "columns", from: 0 } },
      missing: [{ values: ["-9"] }, { column: "größe", values: ["0", "unknown"] }],
    },
  },
  ...[
    { kind: "columns", rows: 2, columns: [] },
    {
      kind: "columns",
      rows: 9,
      columns: [
        { name: "a", kind: "number", missing: 1, sum: 8.5, low: 1, high: 2, form: "real" },
        { name: "b", kind: "text", missing: 0, values: [["x", 9]], distinct: 1 },
      ],
      hasMore: true,
      isShown: true,
    },
    { kind: "classes", classes: [["false", 4], ["true", 5]], distinct: 2 },
    { kind: "deviations", counts: [8], sums: [0.25], squares: [3] },
    { kind: "histograms", groups: [[[0, 0, 5], [2, 7, 6]], []] },
  ].map((answer) => ({ code: MessageCode.Statistics, payload: { id: 1, answer } } as Message)),
  { code: MessageCode.SecureKeys, payload: { round: 1, attempt: 7 } },
  {
    code: MessageCode.SecureKeys,
    payload: {
      round: 1,
      attempt: 0xFFFF_FFFF,
      serial: 2 ** 40,
      maskKey: KEY,
      sealKey: KEY,
      signature: SIGNATURE,
    },
  },
  {
    code: MessageCode.SecureMembers,
    payload: {
      round: 1,
      attempt: 7,
      threshold: 2,
      members: [
        { rank: 9, serial: 1, maskKey: KEY, sealKey: KEY },
        { rank: 3, serial: 2, maskKey: KEY, sealKey: KEY, signature: SIGNATURE, publicKey: KEY },
      ],
    },
  },
  {
    code: MessageCode.SecureShares,
    payload: { round: 1, attempt: 7, shares: [{ rank: 2, box: new Uint8Array(102).fill(3) }] },
  },
  {
    code: MessageCode.MaskedUpdate,
    payload: {
      round: 1,
      attempt: 7,
      seedDigest: KEY,
      masked: Uint32Array.of(0, 1, 0xFFFF_FFFF, 0x8000_0000, 5),
    },
  },
  { code: MessageCode.SurvivorList, payload: { round: 1, attempt: 7, survivors: [1, 2, 4] } },
  { code: MessageCode.SurvivorVote, payload: { round: 1, attempt: 7, signature: SIGNATURE } },
  { code: MessageCode.UnmaskRequest, payload: { round: 1, attempt: 7, dropped: [] } },
  {
    code: MessageCode.UnmaskRequest,
    payload: {
      round: 1,
      attempt: 7,
      dropped: [3],
      votes: [{ rank: 4, signature: SIGNATURE }],
    },
  },
  {
    code: MessageCode.UnmaskShares,
    payload: { round: 1, attempt: 7, shares: [new Uint8Array(33).fill(1)] },
  },
];

/** The whole frame in one aligned buffer. */
function roundTrip(message: Message): Message {
  const frame = frameOf(message);
  const { code, bodyLength } = decodePrefix(frame);
  assertEquals(bodyLength, frame.length - PREFIX_BYTES);
  return decodeBody(code, frame.subarray(PREFIX_BYTES));
}

function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}

function assertFault(fault: ProtocolFault, claim: string, action: () => unknown): ProtocolError {
  const error = assertThrows(action, ProtocolError, claim);
  assertEquals(error.fault, fault);
  assert(!/[\n\r]/.test(error.message), "an error is one line");
  assert(error.message.length < 700, "an error is short");
  return error;
}

function assertMalformed(claim: string, body: string): void {
  assertFault("malformed-body", claim, () => decodeBody(MessageCode.Exit, hex(body)));
}

// Round trips

for (const [index, message] of MESSAGES.entries()) {
  Deno.test(`encodeFrame() and decodeBody() keep a ${messageName(message.code)}, form ${index}`, () => {
    assertEquals(roundTrip(message), message);
  });
}

Deno.test("the messages of this file have every code", () => {
  assertEquals(
    [...new Set(MESSAGES.map(({ code }) => code))].sort((a, b) => a - b),
    Object.values(MessageCode).sort((a, b) => a - b),
  );
});

Deno.test("decodeBody() gives tensors as aligned views on the body, for each of the 8 paddings", () => {
  const parameters = new Float32Array([1, 2, 3]);
  const paddings = new Set<number>();
  for (let length = 1; length <= 16; length++) {
    const metrics = { ["m".repeat(length)]: 1 };
    const message: Message = {
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, metrics, parameters },
    };
    const body = bodyOf(message);
    const pad = body.indexOf(0x70, body.indexOf(0x6D) + length);
    assertEquals(new TextDecoder().decode(body.subarray(pad, pad + 3)), "pad");
    paddings.add((body[pad + 3] ?? 0) - 0x40);
    const decoded = decodeBody(MessageCode.ParameterUpdate, body);
    assertEquals(decoded, message);
    assert(decoded.code === MessageCode.ParameterUpdate);
    assert(decoded.payload.parameters.buffer === body.buffer, "not a copy");
    assertEquals(decoded.payload.parameters.byteOffset % 8, 0);
  }
  assertEquals([...paddings].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("encodeFrame() gives a tensor's own memory as a piece, without a copy", () => {
  const arena = new ArrayBuffer(64);
  const parameters = new Float32Array(arena, 16, 4);
  const pieces = encodeFrame({
    code: MessageCode.ParameterUpdate,
    payload: { round: 1, parameters },
  });
  assertEquals(pieces.length, 2);
  assert(pieces[1]?.buffer === arena);
  assertEquals([pieces[1].byteOffset, pieces[1].byteLength], [16, 16]);
});

Deno.test("encodeFrame() aligns each of several tensors in one map", () => {
  for (let length = 0; length < 5; length++) {
    const first = new Float32Array(length).fill(7), second = new Float32Array([1, 2]);
    const body = bodyOf({
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, parameters: first, control: second } as Extract<
        Message,
        { code: typeof MessageCode.ParameterUpdate }
      >["payload"],
    });
    // The walk over the body refuses a tensor that is not aligned, the second one too.
    const message = decodeBody(MessageCode.ParameterUpdate, body);
    assert(message.code === MessageCode.ParameterUpdate);
    assertEquals(message.payload.parameters, first);
    assertEquals(body.slice(-8), new Uint8Array(second.buffer));
    assert(new TextDecoder("latin1").decode(body).includes("dpad2"));
  }
});

Deno.test("encodeFrame() and decodeBody() keep tensors and texts at the lengths where CBOR heads grow", () => {
  for (const length of [0, 1, 5, 6, 63, 64, 65, 16383, 16384]) {
    const parameters = Float32Array.from({ length }, (_, i) => i);
    const message: Message = {
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, parameters },
    };
    const decoded = roundTrip(message);
    assert(decoded.code === MessageCode.ParameterUpdate);
    assertEquals(decoded.payload.parameters.length, length);
    assertEquals(
      new Uint8Array(decoded.payload.parameters.slice().buffer).toHex(),
      bytesHex(parameters),
    );
  }
  for (const length of [23, 24, 255, 256, 1024]) {
    const message: Message = { code: MessageCode.Exit, payload: { reason: "r".repeat(length) } };
    assertEquals(roundTrip(message), message);
  }
  for (const length of [65_535, 65_536]) {
    const model = { format: "f", text: "t".repeat(length) };
    const message: Message = { code: MessageCode.IdAssignment, payload: { ...ASSIGNMENT, model } };
    assertEquals(roundTrip(message), message);
  }
});

function bytesHex(values: Float32Array<ArrayBuffer>): string {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).toHex();
}

Deno.test("encodeFrame() refuses fields that would not fit the receiver's buffer", () => {
  const metrics = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`metric-${i}`, 0.1]));
  const error = assertFault("frame-too-large", "Cannot send ParameterUpdate", () =>
    encodeFrame({
      code: MessageCode.ParameterUpdate,
      payload: { round: 1, metrics, parameters: new Float32Array(1) },
    }));
  assert(error.message.includes(String(FIELDS_BYTES)));
});

Deno.test("encodeFrame() refuses more keys than its map's head counts", () => {
  const extra = Object.fromEntries(Array.from({ length: 23 }, (_, i) => [`extra${i}`, 1]));
  const payload = { ...extra, reason: "over" };
  assertThrows(
    () => encodeFrame({ code: MessageCode.Exit, payload }),
    RangeError,
    "at most 23 keys, got 24",
  );
});

Deno.test("decodeBody() leaves out keys that the code does not know", () => {
  const message = { code: MessageCode.Exit, payload: { reason: "over", later: [1, { a: 2 }] } };
  assertEquals(roundTrip(message as Message), {
    code: MessageCode.Exit,
    payload: { reason: "over" },
  });
});

Deno.test("decodeBody() takes whole numbers that came as floats, and floats of every width", () => {
  const body = hex(
    "a3 65726f756e64 f94000 6a6e756d53616d706c6573 fb4024000000000000 646c6f7373 fa3fc00000",
  );
  assertEquals(decodeBody(MessageCode.EvaluateParams, body), {
    code: MessageCode.EvaluateParams,
    payload: { round: 2, numSamples: 10, loss: 1.5 },
  });
});

Deno.test("decodeBody() makes one line of a peer's text", () => {
  const unseen = "\u202e\u200f\u2066\u061c\u200b\ufeff\u2028\u3164\u034f\ufe0f";
  const reason = `over\n\u001b[2Jforged${unseen}line\r\n`;
  assertEquals(roundTrip({ code: MessageCode.Exit, payload: { reason } }), {
    code: MessageCode.Exit,
    payload: { reason: "over [2Jforged line " },
  });
  const metrics = { "f1\n\u001b[2J": 0.5 };
  const parameters = new Float32Array(1);
  const payload = { round: 1, metrics, parameters };
  assertEquals(roundTrip({ code: MessageCode.ParameterUpdate, payload }), {
    code: MessageCode.ParameterUpdate,
    payload: { ...payload, metrics: { "f1 [2J": 0.5 } },
  });
});

Deno.test("decodeBody() asks for a body that is aligned in its buffer", () => {
  const body = bodyOf({ code: MessageCode.Heartbeat, payload: {} });
  const moved = new Uint8Array(16);
  moved.set(body, 4);
  assertThrows(
    () => decodeBody(MessageCode.Heartbeat, moved.subarray(4, 4 + body.length)),
    RangeError,
    "multiple of 8",
  );
});

// Bodies that are not whole

for (const [index, message] of MESSAGES.entries()) {
  Deno.test(`decodeBody() refuses a ${messageName(message.code)} cut at any byte, form ${index}`, () => {
    const body = bodyOf(message);
    for (let length = 0; length < body.length; length++) {
      assertFault(
        "malformed-body",
        "Cannot read the body",
        () => decodeBody(message.code, body.slice(0, length)),
      );
    }
  });
}

Deno.test("decodeBody() refuses bytes after the map", () => {
  assertMalformed("expected the end at byte 1, got 1 more", "a0 00");
});

// What the subset leaves out

const REFUSED: readonly [what: string, claim: string, body: string][] = [
  ["no body", "expected a map, got nothing", ""],
  ["an array", "expected a map, got byte 0x80", "80"],
  ["a tag around the map", "expected a map, got byte 0xd9", "d9d9f7 a0"],
  ["an indefinite map", "expected a definite length at byte 0", "bf ff"],
  ["an indefinite array", "expected a definite length at byte 3", "a1 6161 9f ff"],
  ["an indefinite text", "expected a definite length at byte 3", "a1 6161 7f 6162 ff"],
  ["an indefinite byte string", "expected a definite length at byte 3", "a1 6161 5f 4101 ff"],
  ["a reserved length", "expected a definite length at byte 3", "a1 6161 1c"],
  ["a break", "unknown simple value 31", "a1 6161 ff"],
  ["undefined", "unknown simple value 23", "a1 6161 f7"],
  ["a simple value of two bytes", "unknown simple value 24", "a1 6161 f8 ff"],
  ["a key that is a number", "expected a text key at byte 1", "a1 01 02"],
  ["a key that is an indefinite text", "expected a definite length", "a1 7f 6161 ff 01"],
  ["a key of 257 bytes", "a key of at most 256 bytes", `a1 790101 ${"61".repeat(257)} 01`],
  ["a key twice", `key "a" stands twice`, "a2 6161 01 6161 02"],
  ["a key twice, written in two lengths", `key "a" stands twice`, "a2 6161 01 780161 02"],
  ["a key twice in an inner map", `key "b" stands twice`, "a1 6161 a2 6162 01 6162 02"],
  ["a text of a lone byte above 127", "expected UTF-8 in the text at byte 4", "a1 6161 61ff"],
  ["a text of an overlong form", "expected UTF-8 in the text at byte 5", "a1 6161 7802 c080"],
  ["a text of half a surrogate pair", "expected UTF-8 in the text at byte 4", "a1 6161 63eda080"],
  ["a text that is cut in a character", "expected UTF-8 in the text at byte 4", "a1 6161 6261c3"],
  ["a key that is not UTF-8", "expected UTF-8 in the text at byte 2", "a1 61ff 01"],
  ["a date", "expected no tag but 85, 70 and 64 at byte 3, got 1", "a1 6161 c1 00"],
  ["a big number", "expected no tag but 85, 70 and 64 at byte 3, got 2", "a1 6161 c2 4101"],
  [
    "a negative big number",
    "expected no tag but 85, 70 and 64 at byte 3, got 3",
    "a1 6161 c3 4101",
  ],
  ["a shareable value", "expected no tag but 85, 70 and 64 at byte 3, got 28", "a1 6161 d81c 80"],
  ["a reference", "expected no tag but 85, 70 and 64 at byte 3, got 29", "a1 6161 d81d 00"],
  [
    "a record definition",
    "expected no tag but 85, 70 and 64 at byte 3, got 57343",
    "a1 6161 d9dfff 84 1900 01 80 01",
  ],
  [
    "a record of tag 105",
    "expected no tag but 85, 70 and 64 at byte 3, got 105",
    "a1 6161 d869 83 01 81 6161 01",
  ],
  [
    "a float64 array",
    "expected no tag but 85, 70 and 64 at byte 3, got 86",
    "a1 6161 d856 48 0000000000000000",
  ],
  [
    "a big-endian float32 array",
    "expected no tag but 85, 70 and 64 at byte 3, got 81",
    "a1 6161 d851 44 00000000",
  ],
  ["a tag of 2^64 - 1", "expected no tag but 85, 70 and 64", "a1 6161 dbffffffffffffffff 00"],
  ["tag 85 on a number", "expected a byte string in the array at byte 3", "a1 6161 d855 01"],
  ["tag 85 on an array", "expected a byte string in the array at byte 3", "a1 6161 d855 8101"],
  ["tag 85 on nothing", "expected a byte string in the array at byte 3", "a1 6161 d855"],
  ["a tensor of 3 bytes", "whole elements at byte 3, got 3 bytes", "a1 6161 d855 43 000000"],
  ["a tensor that is not aligned", "at a multiple of 8, got byte 6", "a1 6161 d855 44 0000803f"],
  ["a byte string past the end", "expected 5 more bytes at byte 4, got 1", "a1 6161 45 00"],
  [
    "a text of 2^63 bytes",
    "expected 9223372036854776000 more bytes",
    "a1 6161 7b8000000000000000 61",
  ],
  ["an array of 2^64 - 1 items", "expected a data item at byte 12", "a1 6161 9bffffffffffffffff"],
  ["65 levels", "expected at most 64 levels", `a1 6161 ${"81".repeat(65)} 01`],
];

for (const [what, claim, body] of REFUSED) {
  Deno.test(`decodeBody() refuses ${what}`, () => assertMalformed(claim, body));
}

Deno.test("decodeBody() takes 64 levels and 200,000 items, and no more", () => {
  const array = (length: number) => {
    const body = new Uint8Array(8 + length);
    body.set(hex("a1 6161 9a"));
    new DataView(body.buffer).setUint32(4, length);
    return body;
  };
  // Those that are let through fail only at the field that the message needs.
  const missing = (body: Uint8Array<ArrayBuffer>) =>
    assertFault("invalid-field", `field reason`, () => decodeBody(MessageCode.Exit, body));
  missing(hex(`a1 6161 ${"81".repeat(63)} 01`));
  missing(array(199_998));
  assertFault(
    "malformed-body",
    "at most 200000 data items",
    () => decodeBody(MessageCode.Exit, array(199_999)),
  );
});

// Fields besides tensors

const BULK = [MessageCode.GradientUpdate, MessageCode.ParameterUpdate, MessageCode.EvaluateParams];

/** A body of a map with the key `x`, whose value is so many bytes after its head. */
function mapOf(head: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([hex(`a1 6178 ${head}`), bytes]);
}

function lengthOf(count: number): string {
  return count.toString(16).padStart(8, "0");
}

const LARGE = 85_000_000;

for (
  const [what, make] of [
    ["a text of 85 MB", () => mapOf(`7a ${lengthOf(LARGE)}`, new Uint8Array(LARGE).fill(0x61))],
    ["a byte string of 85 MB", () => mapOf(`5a ${lengthOf(LARGE)}`, new Uint8Array(LARGE))],
    ["150,000 texts", () => mapOf(`9a ${lengthOf(150_000)}`, new Uint8Array(150_000).fill(0x60))],
    ["190,000 keys", () => {
      const keys = Array.from({ length: 190_000 }, (_, i) => hex(`66${keyOf(i)} 00`));
      return mapOf(`ba ${lengthOf(keys.length)}`, concat(keys));
    }],
    ["maps within maps", () => {
      const maps = Array.from({ length: 20_000 }, () => hex("a1 6161 80"));
      return mapOf(`9a ${lengthOf(maps.length)}`, concat(maps));
    }],
    ["8,000 numbers", () => {
      const numbers = Array.from({ length: 8_000 }, () => hex("fb 3ff0000000000000"));
      return mapOf(`9a ${lengthOf(numbers.length)}`, concat(numbers));
    }],
  ] as const
) {
  Deno.test(`decodeBody() refuses ${what} beside the tensors before it decodes them`, () => {
    const body = make();
    const before = Deno.memoryUsage();
    for (const code of BULK) {
      assertFault(
        "frame-too-large",
        "at most 65536 bytes besides its tensors",
        () => decodeBody(code, body),
      );
    }
    const { heapUsed, external } = Deno.memoryUsage();
    assert(heapUsed + external - before.heapUsed - before.external < 32 * 2 ** 20);
  });
}

/** Six hexadecimal digits of a text of six characters. */
function keyOf(index: number): string {
  return new TextEncoder().encode(index.toString().padStart(6, "0")).toHex();
}

Deno.test("decodeBody() takes 65,536 bytes beside the tensors, however large these are, and no more", () => {
  const parameters = new Float32Array(100_000).fill(1);
  const withFields = (bytes: number) => {
    const least = bodyOf({ code: MessageCode.ParameterUpdate, payload: { round: 1, parameters } });
    // What the tensor's own bytes leave, and what a key of one letter and a text's head take.
    const text = bytes - (least.length - parameters.byteLength) - 5;
    const head = hex(`6178 79 ${text.toString(16).padStart(4, "0")}`);
    const more = concat([head, new Uint8Array(text).fill(0x61)]);
    const body = concat([least.subarray(0, 1), more, least.subarray(1)]);
    body[0] = (body[0] ?? 0) + 1;
    return body;
  };
  // So many bytes keep the tensor where it was, at a multiple of 8.
  const most = withFields(FIELDS_BYTES - (FIELDS_BYTES - fieldsOf(parameters)) % 8);
  const { payload } = decodeBody(MessageCode.ParameterUpdate, most);
  assertEquals((payload as { round: number }).round, 1);
  assertFault(
    "frame-too-large",
    "at most 65536 bytes",
    () => decodeBody(MessageCode.ParameterUpdate, withFields(FIELDS_BYTES + 8)),
  );
});

/** Bytes besides the tensor of an update of these parameters alone. */
function fieldsOf(parameters: Float32Array<ArrayBuffer>): number {
  const message: Message = { code: MessageCode.ParameterUpdate, payload: { round: 1, parameters } };
  return bodyOf(message).length - parameters.byteLength;
}

Deno.test("decodeBody() takes more than 65,536 bytes in a message without a vector", () => {
  const model = { format: "f", text: "t".repeat(2 * FIELDS_BYTES) };
  const message: Message = { code: MessageCode.IdAssignment, payload: { ...ASSIGNMENT, model } };
  assertEquals(roundTrip(message), message);
});

// Schemas

const VALID: Readonly<Record<number, Message["payload"]>> = Object.fromEntries(
  MESSAGES.map(({ code, payload }) => [code, payload]),
);

const UNFIT: readonly [code: MessageCode, change: Record<string, unknown>, claim: string][] = [
  [
    MessageCode.ParameterUpdate,
    { round: undefined },
    "field round is missing",
  ],
  [MessageCode.ParameterUpdate, { round: 0 }, "field round expected >=1, got 0"],
  [MessageCode.IdAssignment, { heartbeatSeconds: 600.5 }, "field heartbeatSeconds expected <=600"],
  [MessageCode.IdAssignment, { patienceSeconds: 0 }, "field patienceSeconds expected >0, got 0"],
  [MessageCode.Heartbeat, { progress: -1 }, "field progress expected >=0, got -1"],
  [MessageCode.Error, { round: 0 }, "field round expected >=1, got 0"],
  [MessageCode.ParameterUpdate, { round: 1.5 }, "field round expected"],
  [
    MessageCode.ParameterUpdate,
    { round: 2 ** 32 },
    "field round expected <=4294967295, got 4294967296",
  ],
  [MessageCode.ParameterUpdate, { round: "1" }, `field round expected number, got "1"`],
  [
    MessageCode.ParameterUpdate,
    { parameters: [1] },
    "field parameters expected Float32Array, got Array",
  ],
  [
    MessageCode.ParameterUpdate,
    { parameters: undefined },
    "field parameters is missing",
  ],
  [MessageCode.ParameterUpdate, { numSamples: 0 }, "field numSamples expected >=1, got 0"],
  [
    MessageCode.ParameterUpdate,
    { numSamples: 2 ** 53 },
    "field numSamples expected <=9007199254740991",
  ],
  [MessageCode.ParameterUpdate, { steps: -1 }, "field steps expected >=0, got -1"],
  [MessageCode.ParameterUpdate, { loss: NaN }, "field loss expected number, got NaN"],
  [MessageCode.ParameterUpdate, { loss: Infinity }, "field loss expected"],
  [MessageCode.ParameterUpdate, { loss: null }, "field loss expected number, got null"],
  [
    MessageCode.ParameterUpdate,
    { metrics: { a: "1" } },
    `field metrics.a expected number, got "1"`,
  ],
  [MessageCode.ParameterUpdate, { metrics: 5 }, "field metrics expected Object, got 5"],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, epochs: 0 } },
    "field plan.epochs expected >=1, got 0",
  ],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, momentum: 1 } },
    "field plan.momentum expected <1, got 1",
  ],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, learningRate: 0 } },
    "field plan.learningRate expected >0",
  ],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, optimizer: "lbfgs" } },
    `field plan.optimizer expected ("sgd" | "adam" | "adamw"), got "lbfgs"`,
  ],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, nesterov: 1 } },
    "field plan.nesterov expected boolean, got 1",
  ],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, proximal: -1 } },
    "field plan.proximal expected >=0, got -1",
  ],
  [
    MessageCode.ParameterUpdate,
    { plan: { ...PLAN, correction: [0] } },
    "field plan.correction expected never",
  ],
  [MessageCode.ParameterUpdate, { plan: {} }, "field plan.epochs is missing"],
  [MessageCode.ParameterUpdate, { plan: { ...PLAN, mu: 1 } }, "field plan.mu expected never"],
  [MessageCode.GradientUpdate, { gradient: 1 }, "field gradient expected Float32Array, got 1"],
  [MessageCode.EvaluateParams, { accuracy: 1.1 }, "field accuracy expected <=1, got 1.1"],
  [MessageCode.Exit, { reason: 5 }, "field reason expected string, got 5"],
  [MessageCode.Exit, { reason: "r".repeat(1025) }, "field reason expected <=1024, got 1025"],
  [MessageCode.Registration, { rank: 0 }, "field rank expected >=1, got 0"],
  [MessageCode.Registration, { worldSize: 1 }, "field worldSize expected >=2, got 1"],
  [MessageCode.Registration, { agent: undefined }, "field agent is missing"],
  [MessageCode.IdAssignment, { seed: 2 ** 32 }, "field seed expected <=4294967295"],
  [MessageCode.IdAssignment, { manifest: { a: 1 } }, "field manifest expected Array, got Object"],
  [
    MessageCode.IdAssignment,
    { manifest: [{ name: "w", shape: [2, -1], dtype: "float32", trainable: true }] },
    "field manifest.0.shape.1 expected >=0, got -1",
  ],
  [MessageCode.IdAssignment, { manifestDigest: "AB" }, "field manifestDigest expected"],
  [MessageCode.IdAssignment, { model: "mlp" }, `field model expected Object, got "mlp"`],
  [MessageCode.Error, { fatal: 1 }, "field fatal expected boolean, got 1"],
  [MessageCode.Ready, { manifestDigest: "AB".repeat(32) }, "field manifestDigest expected"],
  [MessageCode.Ready, { numSamples: undefined }, "field numSamples is missing"],
];

for (const [code, change, claim] of UNFIT) {
  const [field = ""] = Object.keys(change);
  Deno.test(`decodeBody() refuses a ${messageName(code)} whose ${field} is unfit: ${claim}`, () => {
    const body = bodyOf({ code, payload: { ...VALID[code], ...change } } as Message);
    assertFault(
      "invalid-field",
      `Cannot read ${messageName(code)}: ${claim}`,
      () => decodeBody(code, body),
    );
  });
}

Deno.test("decodeBody() keeps its error short and on one line, whatever a peer puts into a field", () => {
  const long = "x\n\u001b[2J".repeat(1000);
  for (
    const message of [
      { code: MessageCode.Ready, payload: { manifestDigest: long, numSamples: 1 } },
      {
        code: MessageCode.ParameterUpdate,
        payload: {
          round: 1,
          parameters: new Float32Array(1),
          metrics: { [long.slice(0, 60)]: long },
        },
      },
    ] as unknown as Message[]
  ) {
    const error = assertFault(
      "invalid-field",
      "Cannot read",
      () => decodeBody(message.code, bodyOf(message)),
    );
    assert(!error.message.includes("\u001b"));
  }
});

Deno.test("decodeBody() keeps a peer's __proto__ from becoming one", () => {
  const body = hex("a2 66 726561736f6e 6161 69 5f5f70726f746f5f5f a1 65 666174616c f5");
  const message = decodeBody(MessageCode.Exit, body);
  assertEquals(Object.keys(message.payload), ["reason"]);
  assert(Object.getPrototypeOf(message.payload) === Object.prototype);
});

// Prefixes

function prefix(
  change: { magic?: string; version?: number; code?: number; length?: bigint },
): Uint8Array {
  const bytes = hex(`${change.magic ?? "464c6162"} 0000 0000 0000000000000000`);
  const view = new DataView(bytes.buffer);
  view.setUint16(4, change.version ?? 1, true);
  view.setUint16(6, change.code ?? MessageCode.Heartbeat, true);
  view.setBigUint64(8, change.length ?? 1n, true);
  return bytes;
}

Deno.test("decodePrefix() gives code and length, up to the limits", () => {
  assertEquals(decodePrefix(prefix({})), { code: MessageCode.Heartbeat, bodyLength: 1 });
  const { ParameterUpdate: bulk, Exit: control } = MessageCode;
  assertEquals(decodePrefix(prefix({ code: bulk, length: 2n ** 31n })).bodyLength, 2 ** 31);
  assertEquals(decodePrefix(prefix({ code: control, length: 2n ** 20n })).bodyLength, 2 ** 20);
});

Deno.test("decodePrefix() refuses what does not begin as a frame, and shows it", () => {
  const bytes = prefix({ magic: "47455420" });
  assertFault(
    "bad-magic",
    `expected it to begin with 46 4c 61 62 ("FLab"), got 47 45 54 20, which is HTTP`,
    () => decodePrefix(bytes),
  );
  assertFault(
    "bad-magic",
    "got 48 54 54 50, which is HTTP",
    () => decodePrefix(prefix({ magic: "48545450" })),
  );
  const other = () => decodePrefix(prefix({ magic: "00545450" }));
  const { message } = assertThrows(other, ProtocolError);
  assert(message.endsWith("got 00 54 54 50"), message);
});

Deno.test("decodePrefix() refuses another version and another code", () => {
  assertFault(
    "unsupported-version",
    "expected protocol version 1, got 2",
    () => decodePrefix(prefix({ version: 2 })),
  );
  assertFault("unsupported-version", "got 256", () => decodePrefix(prefix({ version: 0x100 })));
  assertFault("unknown-code", "from 0 to 31, got 23", () => decodePrefix(prefix({ code: 23 })));
  assertFault("unknown-code", "got 12", () => decodePrefix(prefix({ code: 12 })));
  assertFault("unknown-code", "got 65535", () => decodePrefix(prefix({ code: 0xFFFF })));
});

Deno.test("decodePrefix() refuses lengths past the limit of the code, up to 2^64 - 1", () => {
  const { ParameterUpdate: bulk, Exit: control } = MessageCode;
  for (const length of [2n ** 31n + 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    for (const code of [bulk, control]) {
      assertFault(
        "frame-too-large",
        `Cannot read ${messageName(code)}: expected at most`,
        () => decodePrefix(prefix({ code, length })),
      );
    }
  }
  assertFault(
    "frame-too-large",
    "1048576 bytes, got 1048577",
    () => decodePrefix(prefix({ code: control, length: 2n ** 20n + 1n })),
  );
  assertFault(
    "frame-too-large",
    "expected at most 10 bytes, got 11",
    () => decodePrefix(prefix({ code: bulk, length: 11n }), { bulkBytes: 10, controlBytes: 10 }),
  );
});

// Anything at all

Deno.test("decodePrefix() and decodeBody() answer 5,000 mutated frames with a message or a ProtocolError", () => {
  const random = new Random(20, "test");
  const frames = MESSAGES.map(frameOf);
  const outcomes = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const whole = frames[i % frames.length] ?? new Uint8Array();
    const grown = random.below(8) === 0 ? random.below(12) : 0;
    const frame = new Uint8Array(whole.length + grown);
    frame.set(whole);
    for (let edits = 1 + random.below(4); edits > 0; edits--) {
      // Half of them in the prefix would all end at its four checks, so most go to the body.
      const from = random.below(20) === 0 ? 0 : PREFIX_BYTES;
      const at = from + random.below(frame.length - from);
      frame[at] = random.below(2) === 0
        ? random.below(256)
        : (frame[at] ?? 0) ^ (1 << random.below(8));
    }
    let outcome = "message";
    try {
      const { code } = decodePrefix(frame);
      decodeBody(code, frame.subarray(PREFIX_BYTES));
    } catch (error) {
      assertInstanceOf(error, ProtocolError, `frame ${i}: ${frame.toHex()}: ${error}`);
      outcome = error.fault;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  for (const expected of ["message", "malformed-body", "invalid-field", "bad-magic"]) {
    assert((outcomes.get(expected) ?? 0) > 0, `no frame ended as ${expected}`);
  }
});
