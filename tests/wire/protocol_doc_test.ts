import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import type { ProtocolFault } from "../../src/base/errors.ts";
import { encodeDifference } from "../../src/codec/difference.ts";
import { int8 } from "../../src/codec/int8.ts";
import {
  FIRST_CREDIT,
  HEAD_BYTES,
  LEAST_COST,
  MESSAGE_BYTES,
  MOST_CREDIT,
} from "../../src/net/websocket/message.ts";
import { Manifest } from "../../src/params/manifest.ts";
import { TABLE } from "../../src/plan/rules/table.ts";
import {
  decodeBody,
  decodePrefix,
  DEFAULT_LIMITS,
  FIELDS_BYTES,
  type Message,
  MessageCode,
  messageName,
  PREFIX_BYTES,
} from "../../src/wire/mod.ts";
import { frameOf } from "../helpers/frame.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DOCUMENT = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));

const MANIFEST = Manifest.of([{ name: "out/kernel", shape: [2, 1] }, {
  name: "out/bias",
  shape: [1],
}]);
const DIGEST = await MANIFEST.digest();

const SCHEMA = {
  format: "fedlab.schema/1",
  inputs: [
    { name: "age", kind: "number", unit: "years" },
    { name: "smoker", kind: "boolean" },
  ],
  target: { name: "ill", task: "classification", classes: ["no", "yes"] },
};

/** The schema's JSON as the document shows it, in canonical form. */
const SCHEMA_JSON = /^```text schema\n(.*?)\n```$/ms.exec(DOCUMENT)?.[1] ?? "";
const SCHEMA_DIGEST = new Uint8Array(
  await crypto.subtle.digest("SHA-256", new TextEncoder().encode(SCHEMA_JSON)),
).toHex();

/** The message of each code that the document shows. */
const EXAMPLES: readonly Message[] = [
  { code: MessageCode.ParameterRequest, payload: {} },
  {
    code: MessageCode.GradientUpdate,
    payload: { round: 1, numSamples: 60, gradient: new Float32Array([0.5, -0.25, 1]) },
  },
  {
    code: MessageCode.ParameterUpdate,
    payload: {
      round: 1,
      numSamples: 60,
      steps: 6,
      loss: 0.5,
      metrics: { accuracy: 0.75 },
      parameters: new Float32Array([1, -2, 0.5]),
    },
  },
  {
    code: MessageCode.EvaluateParams,
    payload: { round: 1, parameters: new Float32Array([1, -2, 0.5]) },
  },
  { code: MessageCode.Exit, payload: { reason: "the run is over" } },
  {
    code: MessageCode.Registration,
    payload: {
      rank: 2,
      worldSize: 3,
      token: "0123456789abcdef0123456789abcdef",
      site: "Basel",
      codecs: ["int8", "eden"],
      agent: "example/1.0",
    },
  },
  {
    code: MessageCode.IdAssignment,
    payload: {
      rounds: 20,
      run: "2f6c9a",
      token: "0123456789abcdef0123456789abcdef",
      heartbeatSeconds: 5,
      awaits: 4,
      seed: 7,
      strategy: "fedavg",
      plan: {
        epochs: 1,
        batchSize: 10,
        learningRate: 0.1,
        momentum: 0,
        weightDecay: 0,
        keepMomentum: false,
      },
      manifest: MANIFEST.tensors.map(({ name, shape, dtype, trainable }) => ({
        name,
        shape,
        dtype,
        trainable,
      })),
      manifestDigest: DIGEST,
      model: {
        format: "tfjs-layers",
        topology: {
          class_name: "Sequential",
          config: {
            name: "m",
            layers: [{
              class_name: "Dense",
              config: {
                name: "out",
                units: 1,
                activation: "sigmoid",
                batch_input_shape: [null, 2],
              },
            }],
          },
        },
        loss: "binaryCrossentropy",
      },
      schema: SCHEMA,
      schemaDigest: SCHEMA_DIGEST,
      uplink: "eden:bits=1",
      downlink: "int8",
      rank: 2,
      worldSize: 3,
    },
  },
  { code: MessageCode.Heartbeat, payload: {} },
  {
    code: MessageCode.Error,
    payload: {
      fault: "rank-taken",
      message: "Cannot join: rank 2 is taken by another client",
      fatal: true,
    },
  },
  {
    code: MessageCode.Ready,
    payload: {
      manifestDigest: DIGEST,
      numSamples: 60,
      schemaDigest: SCHEMA_DIGEST,
      receipts: true,
      round: 4,
    },
  },
  {
    code: MessageCode.Challenge,
    payload: {
      nonce: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      methods: ["ed25519"],
      server: "localhost",
      run: "example",
    },
  },
  {
    code: MessageCode.Proof,
    payload: {
      method: "ed25519",
      publicKey: "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE",
      signature:
        "46987d15b70ab2beb037298ce74ad83c13987da7d7387813c0b5140199f8628512783564608e6ec7d0f71d1edf87fc1d60c5e162e6420d15a5375f2f6b8da30b",
    },
  },
  {
    code: MessageCode.StatisticsRequest,
    payload: {
      id: 2,
      minCount: 5,
      missing: [{ column: "chol", values: ["0"] }],
      question: { kind: "deviations", columns: ["age"], means: [54.5] },
    },
  },
  {
    code: MessageCode.Statistics,
    payload: {
      id: 2,
      answer: { kind: "deviations", counts: [60], sums: [-3.5], squares: [4800.25] },
    },
  },
  {
    code: MessageCode.CompressedUpdate,
    payload: {
      round: 1,
      numSamples: 60,
      steps: 6,
      codec: "int8",
      scales: new Float32Array([0.5]),
      codes: new Uint8Array([0x7F, 0x81, 0]),
    },
  },
  {
    code: MessageCode.SecureKeys,
    payload: {
      round: 1,
      attempt: 7,
      serial: 1,
      maskKey: counting(0x40, 32),
      sealKey: counting(0x60, 32),
    },
  },
  {
    code: MessageCode.SecureMembers,
    payload: {
      round: 1,
      attempt: 7,
      threshold: 2,
      members: [1, 2].map((rank) => ({
        rank,
        serial: 1,
        maskKey: counting(0x40 * rank, 32),
        sealKey: counting(0x60 * rank, 32),
      })),
    },
  },
  {
    code: MessageCode.SecureShares,
    payload: { round: 1, attempt: 7, shares: [{ rank: 2, box: counting(1, 102) }] },
  },
  {
    code: MessageCode.MaskedUpdate,
    payload: {
      round: 1,
      attempt: 7,
      seedDigest: counting(0x80, 32),
      masked: Uint32Array.of(1, 2, 2 ** 32 - 1, 60, 0, 1000, 6),
    },
  },
  {
    code: MessageCode.SurvivorList,
    payload: { round: 1, attempt: 7, survivors: [1, 2, 4] },
  },
  {
    code: MessageCode.SurvivorVote,
    payload: { round: 1, attempt: 7, signature: counting(1, 64) },
  },
  {
    code: MessageCode.UnmaskRequest,
    payload: { round: 1, attempt: 7, dropped: [3] },
  },
  {
    code: MessageCode.UnmaskShares,
    payload: { round: 1, attempt: 7, shares: [counting(1, 33), counting(34, 33)] },
  },
];

/** Every name, which the compiler keeps complete. */
const FAULTS: Readonly<Record<ProtocolFault, true>> = {
  "bad-message": true,
  "bad-magic": true,
  "unsupported-version": true,
  "unknown-code": true,
  "unexpected-code": true,
  "frame-too-large": true,
  "truncated-frame": true,
  "malformed-body": true,
  "invalid-field": true,
  "shape-mismatch": true,
  "manifest-mismatch": true,
  "schema-mismatch": true,
  "rank-taken": true,
  "rank-out-of-range": true,
  "world-size-mismatch": true,
  "mode-mismatch": true,
  "group-full": true,
  "secure-mismatch": true,
  "privacy-mismatch": true,
  "wrong-codec": true,
  "wrong-round": true,
  "not-in-cohort": true,
  "duplicate-update": true,
  "non-finite": true,
  "out-of-bounds": true,
  "cannot-train": true,
  "too-many-faults": true,
  "not-authorized": true,
  "too-many-connections": true,
  "handler-failed": true,
};

/** The bytes of the fenced block `hex NAME`: what stands left of two spaces. */
function documentedFrame(name: string): Uint8Array<ArrayBuffer> {
  const block = new RegExp("^```hex " + name + "\\n(.*?)^```$", "ms").exec(DOCUMENT)?.[1] ?? "";
  const bytes = block.split("\n").map((line) => line.split("  ")[0] ?? "").join("");
  return Uint8Array.fromHex(bytes.replaceAll(/\s/g, ""));
}

/** Arrays of a frame by their tags: names and values. */
const TENSORS: Readonly<
  Record<number, readonly [string, (data: Uint8Array<ArrayBuffer>) => Iterable<number>]>
> = {
  64: ["array of bytes", (data) => data],
  70: ["little-endian uint32 array", (data) => new Uint32Array(data.buffer)],
  85: ["little-endian float32 array", (data) => new Float32Array(data.buffer)],
};

/** Bytes that count up from a number. */
function counting(from: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => from + i);
}

/** A frame as the document shows it: bytes left, their meaning right. */
function dump(frame: Uint8Array<ArrayBuffer>): string {
  const view = new DataView(frame.buffer);
  const lines: string[] = [];
  let at = 0;
  function take(count: number, note: string): void {
    for (let done = 0; done < count; done += 16) {
      const bytes = [...frame.subarray(at + done, at + Math.min(count, done + 16))];
      const shown = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
      lines.push(done === 0 ? `${shown.padEnd(49)}${note}` : shown);
    }
    at += count;
  }
  function item(indent: string): void {
    const head = frame[at] ?? 0, major = head >> 5, info = head & 31;
    const extra = info < 24 ? 0 : 1 << (info - 24);
    const value = extra === 0
      ? info
      : extra === 1
      ? view.getUint8(at + 1)
      : extra === 2
      ? view.getUint16(at + 1)
      : view.getUint32(at + 1);
    const body = frame.subarray(at + 1 + extra, at + 1 + extra + value);
    if (major === 0) take(1 + extra, `${indent}${value}`);
    else if (major === 2) {
      const kind = body.every((byte) => byte === 0) ? "zero bytes" : "bytes";
      take(1 + extra + value, `${indent}${value} ${kind}`);
    } else if (major === 3) {
      take(1 + extra + value, `${indent}${JSON.stringify(new TextDecoder().decode(body))}`);
    } else if (major === 6) {
      const tag = frame[at + 1] ?? 0, [name, valuesOf] = TENSORS[tag] ?? ["", () => []];
      const head = (frame[at + 2] ?? 0) & 31, long = head === 24 ? 1 : 0;
      const length = long ? frame[at + 3] ?? 0 : head;
      const data = frame.slice(at + 3 + long, at + 3 + long + length);
      take(2, `${indent}tag ${tag}, ${name}`);
      take(
        1 + long,
        `${indent}${length} bytes; the next one is byte ${at + 1 + long} of the frame`,
      );
      take(length, `${indent}${[...valuesOf(data)].join(", ")}`);
    } else if (major === 7) {
      const number = extra === 8
        ? String(view.getFloat64(at + 1))
        : ["false", "true", "null"][info - 20];
      take(1 + extra, `${indent}${number}`);
    } else {
      take(1 + extra, `${indent}${major === 4 ? "array" : "map"} of ${value}`);
      for (let i = 0; i < value; i++) {
        if (major === 5) item(`${indent}  `);
        item(`${indent}  ${major === 5 ? "  " : ""}`);
      }
    }
  }
  take(4, `magic, "FLab"`);
  take(2, `version ${view.getUint16(4, true)}`);
  take(2, `code ${view.getUint16(6, true)}, ${messageName(view.getUint16(6, true))}`);
  take(8, `${view.getUint32(8, true)} bytes of body`);
  item("");
  return lines.join("\n");
}

Deno.test("docs/PROTOCOL.md has an example of every code", () => {
  assertEquals(
    EXAMPLES.map(({ code }) => code),
    Object.values(MessageCode).sort((a, b) => a - b),
  );
});

/** Parameters of two rounds as they are encoded. */
const FIRST = { scales: new Float32Array([0.5]), codes: new Uint8Array([127, 129, 0]) };
const SECOND = { scales: new Float32Array([0.5]), codes: new Uint8Array([127, 130, 2]) };

/** Further examples, by the name of the block. */
const VARIANTS: ReadonlyMap<string, Message> = new Map([
  ["EvaluateParams, encoded", {
    code: MessageCode.EvaluateParams,
    payload: {
      round: 1,
      codec: "int8",
      scales: new Float32Array([0.5]),
      codes: new Uint8Array([0x7F, 0x81, 0]),
    },
  }],
  ["CompressedUpdate, difference", {
    code: MessageCode.CompressedUpdate,
    payload: {
      ...{ round: 2, codec: "int8", base: 1, scales: new Float32Array() },
      codes: encodeDifference(int8(), FIRST, SECOND) ?? new Uint8Array(),
    },
  }],
]);

for (
  const [name, example] of [
    ...EXAMPLES.map((one) => [messageName(one.code), one] as const),
    ...VARIANTS,
  ]
) {
  Deno.test(`docs/PROTOCOL.md shows ${name} as it is on the wire`, () => {
    const frame = frameOf(example);
    const documented = documentedFrame(name);
    assert(
      documented.toHex() === frame.toHex(),
      `The block "hex ${name}" of docs/PROTOCOL.md has to be:\n\`\`\`hex ${name}\n${
        dump(frame)
      }\n\`\`\``,
    );
    const { code, bodyLength } = decodePrefix(documented);
    assertEquals(bodyLength, documented.length - PREFIX_BYTES);
    assertEquals(decodeBody(code, documented.subarray(PREFIX_BYTES)), example);
  });
}

Deno.test("docs/PROTOCOL.md names every message code with its number, and every field", () => {
  for (const [name, code] of Object.entries(MessageCode)) {
    assert(DOCUMENT.includes(`### ${code} ${name}\n`), `expected a heading "### ${code} ${name}"`);
    const section = DOCUMENT.split(`### ${code} ${name}\n`)[1]?.split(/^##/m)[0] ?? "";
    const examples = [...EXAMPLES, ...VARIANTS.values()].filter((one) => one.code === code);
    for (const field of examples.flatMap(({ payload }) => Object.keys(payload))) {
      assert(
        section.includes(`| \`${field}\` `),
        `expected the field ${field} in the table of ${name}`,
      );
    }
  }
});

Deno.test("docs/PROTOCOL.md names every fault", () => {
  for (const fault of Object.keys(FAULTS)) {
    assert(DOCUMENT.includes(`| \`${fault}\` `), `expected ${fault} in the table of faults`);
  }
});

Deno.test("docs/PROTOCOL.md names every rule with its fields", () => {
  const section = /^#### Rules\n(.*?)^#/ms.exec(DOCUMENT)?.[1] ?? "";
  const [, ...rows] = section.matchAll(/^\| `([\w-]+)` +\| ([^|]+?) +\|/gm);
  const documented = rows.map(([, name, fields = ""]) => [
    name,
    ["name", ...[...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field)],
  ]);
  const declared = Object.entries(TABLE).map((
    [name, { schema }],
  ) => [name, Object.keys(schema.entries)]);
  assertEquals(documented.sort(), declared.sort());
});

Deno.test("docs/PROTOCOL.md gives the right digest of its example manifest", () => {
  assert(DOCUMENT.includes(DIGEST), `expected the digest ${DIGEST}`);
  const text = /^```text manifest\n(.*?)^```$/ms.exec(DOCUMENT)?.[1];
  const lines = MANIFEST.tensors.map(({ name, dtype, shape, trainable }) =>
    `${name}<TAB>${dtype}<TAB>${shape}<TAB>${trainable ? 1 : 0}<LF>\n`
  );
  assertEquals(text, lines.join(""));
});

Deno.test("docs/PROTOCOL.md gives its example schema in canonical form, with the right digest", () => {
  assertEquals(JSON.parse(SCHEMA_JSON), SCHEMA);
  // Keys in alphabetical order, without blanks.
  const keys = [...SCHEMA_JSON.matchAll(/"(\w+)":/g)].map(([, key]) => key);
  assertEquals(
    keys,
    [
      "format",
      "inputs",
      "kind",
      "name",
      "unit",
      "kind",
      "name",
      "target",
      "classes",
      "name",
      "task",
    ],
  );
  assert(
    DOCUMENT.includes(`\`\`\`text\n${SCHEMA_DIGEST}\n`),
    `expected the digest ${SCHEMA_DIGEST}`,
  );
});

Deno.test("docs/PROTOCOL.md gives the limits in force", () => {
  const grouped = (count: number) => count.toLocaleString("en");
  const webSocket = [MESSAGE_BYTES, HEAD_BYTES + MESSAGE_BYTES, FIRST_CREDIT, MOST_CREDIT];
  const limits = [DEFAULT_LIMITS.bulkBytes, DEFAULT_LIMITS.controlBytes, FIELDS_BYTES];
  for (const bytes of [...limits, ...webSocket, LEAST_COST]) {
    assert(DOCUMENT.includes(grouped(bytes)), `expected ${grouped(bytes)}`);
  }
});
