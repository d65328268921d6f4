import { assert } from "jsr:@std/assert@1.0.19";
import { equalValues } from "../../src/base/equal_values.ts";

Deno.test("equalValues() tells contents apart, in any order of fields", () => {
  const make = (last: number, more: object = {}) => ({
    list: [1, { text: "a", bytes: Uint8Array.of(1, last) }],
    none: null,
    ...more,
  });
  assert(equalValues(make(2), make(2)));
  assert(equalValues({ a: 1, b: 2 }, { b: 2, a: 1, c: undefined }));
  assert(equalValues(-0, 0));
  const values = [make(2), make(3), make(2, { more: 1 }), [], {}, [0], { 0: 0 }, "", 0, null, [[]]];
  for (const [i, a] of values.entries()) {
    for (const [k, b] of values.entries()) assert(equalValues(a, b) === (i === k), `${i}, ${k}`);
  }
  assert(!equalValues({ a: undefined, b: 1 }, { a: 1, b: undefined }));
  assert(!equalValues(Uint8Array.of(1, 2), Uint8Array.of(1)));
});
