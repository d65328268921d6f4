/** The codecs of examples/python give the bytes and the values of the package's. */
import { assertEquals } from "@std/assert";
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
    const child = new Deno.Command(PYTHON ?? "", {
      args: ["-c", PROGRAM],
      cwd: FOLDER,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const input = new Blob(cases.map(({ name, x, coded: { scales, codes } }) =>
      JSON.stringify({
        ...{ name, x: [...x], key: Object.values(KEY) },
        ...{ scales: hex(scales), codes: hex(codes) },
      }) + "\n"
    ));
    const [{ stdout, stderr, success }] = await Promise.all([
      child.output(),
      input.stream().pipeTo(child.stdin),
    ]);
    assertEquals([new TextDecoder().decode(stderr), success], ["", true]);
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    cases.forEach(({ name, length, coded, decoded }, i) => {
      assertEquals(
        JSON.parse(lines[i] ?? "null"),
        [hex(coded.scales), hex(coded.codes), hex(decoded)],
        `${name}, ${length} values`,
      );
    });
  },
});
