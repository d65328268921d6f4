/** The codecs of examples/python give the bytes and the values of the package's. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeDifference } from "../../src/codec/difference.ts";
import { decodeVector, encodeVector, parseCodec } from "../../src/codec/mod.ts";
import { Random } from "../../mod.ts";
import { findPython } from "../helpers/python.ts";

const PYTHON = await findPython("FEDLAB_PYTHON", ["numpy"]);
const FOLDER = `${import.meta.dirname}/../../examples/python`;
const KEY = { seed: 4_000_000_007, round: 3, rank: 12 };
const NAMES = [
  "f16",
  "bf16",
  "int8",
  "int8:rounding=stochastic",
  "int4",
  "int4:rounding=stochastic",
  "eden:bits=1",
  "eden:bits=2",
  "eden:bits=3",
  "eden:bits=4",
  "eden:bits=1,share=0.1",
  "eden:bits=3,share=0.25",
];
const LENGTHS = [1, 5, 31, 650, 4096, 4097, 9001];

/** Reads vectors, encodes them, decodes what the package has encoded, and prints both. */
const PROGRAM = `
import json, sys
import coding, numpy as np
for line in sys.stdin:
    case = json.loads(line)
    key, x = tuple(case["key"]), np.array(case["x"], "<f4")
    scales, codes = coding.parse(case["name"]).encode(x, key)
    given = np.frombuffer(bytes.fromhex(case["scales"]), "<f4"), bytes.fromhex(case["codes"])
    decoded = coding.decode(case["name"], *given, len(x), key).astype("<f4")
    print(json.dumps([scales.tobytes().hex(), codes.hex(), decoded.tobytes().hex()]))
`;

/** Reads encoded vectors and differences, applies them, and prints what comes of it. */
const DIFFERENCES = `
import json, sys, delta
for line in sys.stdin:
    case = json.loads(line)
    held = [bytes.fromhex(case[name]) for name in ("scales", "codes")]
    try: print(json.dumps([part.hex() for part in delta.apply(case["name"], held, bytes.fromhex(case["difference"]))]))
    except ValueError as error: print(json.dumps(str(error)))
`;

/** Runs a program of Python on lines of JSON, and returns the lines that it prints. */
async function run(program: string, cases: readonly unknown[]): Promise<unknown[]> {
  const child = new Deno.Command(PYTHON ?? "", {
    args: ["-c", program],
    cwd: FOLDER,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = new Blob(cases.map((one) => JSON.stringify(one) + "\n"));
  const [{ stdout, stderr, success }] = await Promise.all([
    child.output(),
    input.stream().pipeTo(child.stdin),
  ]);
  assertEquals([new TextDecoder().decode(stderr), success], ["", true]);
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

const hex = (array: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).toHex();

Deno.test({
  name: "examples/python has the codecs of the package, bit for bit (needs Python with numpy)",
  ignore: PYTHON === undefined,
  async fn() {
    const cases = NAMES.flatMap((name) =>
      LENGTHS.map((length) => {
        const codec = parseCodec(name), random = new Random(length, "test");
        const x = Float32Array.from({ length }, () => random.normal());
        // Zeros fill whole blocks and, in a short vector, whole chunks.
        if (length === 650) x.fill(0, 0, 300);
        if (length === 31) x.fill(0);
        const coded = encodeVector(codec, x, KEY), decoded = new Float32Array(length);
        decodeVector(codec, coded, KEY, decoded);
        return { name, length, x, coded, decoded };
      })
    );
    const lines = await run(
      PROGRAM,
      cases.map(({ name, x, coded: { scales, codes } }) => ({
        ...{ name, x: [...x], key: Object.values(KEY) },
        ...{ scales: hex(scales), codes: hex(codes) },
      })),
    );
    cases.forEach(({ name, length, coded, decoded }, i) => {
      assertEquals(
        lines[i],
        [hex(coded.scales), hex(coded.codes), hex(decoded)],
        `${name}, ${length} values`,
      );
    });
  },
});

Deno.test({
  name: "examples/python applies differences as the package does (needs Python with numpy)",
  ignore: PYTHON === undefined,
  async fn() {
    const cases = ["f32", "f16", "bf16", "int8", "int4", "eden:bits=4"].flatMap((name) =>
      [1, 129, 651].map((length) => {
        const codec = parseCodec(name), random = new Random(length, "test");
        const x = Float32Array.from({ length }, () => random.normal());
        const from = encodeVector(codec, x, KEY);
        // Values near others, and a few that are far from them or of another sign.
        x.forEach((one, i) => x[i] = i % 50 === 7 ? -30 * one : one * (1 + 1e-3 * random.normal()));
        const to = encodeVector(codec, x, KEY);
        return { name, from, to, codes: encodeDifference(codec, from, to) };
      })
    ).filter(({ codes }) => codes !== undefined);
    assert(cases.length > 12);
    const lines = await run(
      DIFFERENCES,
      cases.flatMap(({ name, from: { scales, codes }, codes: difference }) => {
        const sent = hex(difference ?? new Uint8Array());
        const one = { name, scales: hex(scales), codes: hex(codes), difference: sent };
        return [one, { ...one, difference: sent.slice(0, -2) }, {
          ...one,
          difference: `${sent}00`,
        }];
      }),
    );
    cases.forEach(({ name, to: { scales, codes }, codes: difference }, i) => {
      assertEquals(lines[3 * i], [hex(scales), hex(codes)], name);
      // Without bytes there is no difference.
      if (difference?.length !== 1) assertMatch(String(lines[3 * i + 1]), /^expected /, name);
      assertMatch(String(lines[3 * i + 2]), /^expected /, name);
    });
  },
});
