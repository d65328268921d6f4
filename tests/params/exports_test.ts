import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { ENGINE_EXPORTS } from "../../src/generated/engine_exports.ts";
import { KERNELS_EXPORTS } from "../../src/generated/kernels_exports.ts";
import { checkExports, instantiate } from "../../src/params/instance.ts";
import { checkScratch, declarations, readKernels } from "../../wasm/declarations.ts";
import { readStructs } from "../../wasm/structs.ts";

Deno.test("checkExports() names a function that is missing, or has other parameters", () => {
  const { exports } = instantiate("simd128", 64);
  checkExports(exports, KERNELS_EXPORTS);
  assertThrows(() => checkExports(exports, ENGINE_EXPORTS), TypeError, "exports no function add");
  const wrong = { ...KERNELS_EXPORTS, fold: 5 };
  assertThrows(() => checkExports(exports, wrong), TypeError, "function fold of 5 parameters");
  assertThrows(() => checkExports({}, KERNELS_EXPORTS), TypeError, "exports no memory");
});

const KERNEL = `
/// Scales values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scale(values: *mut f32, factor: f32, n: usize, scratch: *mut f32) {
`;
const SIZE = `
/// Size.
#[unsafe(no_mangle)]
pub extern "C" fn scale_scratch(n: usize) -> usize {
`;

Deno.test("readKernels() reads names, types and documentation", () => {
  const [scale, size, ...rest] = readKernels(KERNEL + SIZE);
  assertEquals(scale?.docs, ["Scales values."]);
  assertEquals(scale?.parameters.map(({ name, type }) => [name, type]), [
    ["values", "i32"],
    ["factor", "f32"],
    ["n", "i32"],
    ["scratch", "i32"],
  ]);
  assertEquals([scale?.result, size?.result, rest], [undefined, "i32", []]);
});

Deno.test("readKernels() and checkScratch() refuse what cannot be declared", () => {
  const undocumented = KERNEL.replace("/// Scales values.\n", "");
  assertThrows(() => readKernels(undocumented), Error, "no documentation");
  assertThrows(() => readKernels(KERNEL.replace("usize", "u64")), Error, "unknown type u64");
  const broken = KERNEL.replace('extern "C" fn', "fn");
  assertThrows(() => readKernels(broken), Error, "read 0 signatures of 1");
  assertThrows(() => checkScratch(readKernels(KERNEL)), Error, "no scale_scratch");
  const other = readKernels(KERNEL + SIZE.replace("n: usize", "rows: usize"));
  assertThrows(() => checkScratch(other), Error, "no parameter rows");
  checkScratch(readKernels(KERNEL + SIZE));
});

Deno.test("readStructs() lays fields out as C does, and declarations() writes those that are used", () => {
  const source = `/// Own sizes: of a thing.
#[repr(C)]
#[derive(Clone)]
pub struct OwnSizes {
    /// Sign.
    pub sign: f32,
    pub total: f64,
    key_pair: [u32; 3],
}
`;
  const [struct, ...rest] = readStructs(source);
  assertEquals(rest, []);
  assertEquals(struct && [...struct.offsets], [["sign", 0], ["total", 8], ["key_pair", 16]]);
  // A multiple of the largest alignment, 8.
  assertEquals([struct?.name, struct?.size], ["OwnSizes", 32]);
  assertThrows(() => readStructs(source.replace("f64", "u64")), Error, "unknown type u64 of total");

  const kernels = readKernels(KERNEL.replace("*mut f32, factor", "&mut OwnSizes, factor"));
  const options = { interfaceName: "Own", summary: "Own." };
  const text = declarations(kernels, readStructs(source), options);
  assert(text.includes("export const OWN_SIZES_LAYOUT = {\n  size: 32,\n"), text);
  assert(text.includes("    keyPair: 16,\n"), text);
  assertThrows(() => declarations(kernels, [], options), Error, "Cannot declare OwnSizes");
});
