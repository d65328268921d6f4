import { assert, assertEquals, assertFalse } from "@std/assert";
import { VectorPart } from "../../src/params/vector_part.ts";

const whole = Float32Array.from({ length: 10 }, (_, i) => i);
const part = new VectorPart(10, [[0, 2], [3, 4], [4, 6], [9, 10]]);

Deno.test("VectorPart takes the values of the part and the others", () => {
  assertEquals(part.length, 4);
  assertEquals([...part.take(whole)], [2, 6, 7, 8]);
  assertEquals([...part.takeOthers(whole)], [0, 1, 3, 4, 5, 9]);
});

Deno.test("VectorPart puts both back, also where the part lies at the vector's beginning", () => {
  const into = new Float32Array(10).fill(NaN);
  into.set([2, 6, 7, 8]);
  part.put(into.subarray(0, 4), into);
  part.putOthers(new Float32Array([0, 1, 3, 4, 5, 9]), into);
  assertEquals(into, whole);
});

Deno.test("VectorPart compares the others bit for bit", () => {
  const others = part.takeOthers(whole);
  assert(part.hasOthers(Float32Array.from(whole, (x, i) => i === 2 ? 7 : x), others));
  assertFalse(part.hasOthers(Float32Array.from(whole, (x, i) => i === 0 ? -0 : x), others));
});

Deno.test("VectorPart may have no value", () => {
  const none = new VectorPart(3, [[0, 3]]);
  assertEquals([...none.take(new Float32Array([1, 2, 3]))], []);
  const into = new Float32Array(3);
  none.put(new Float32Array(), into);
  none.putOthers(new Float32Array([1, 2, 3]), into);
  assertEquals([...into], [1, 2, 3]);
});
