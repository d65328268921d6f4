import { assert } from "jsr:@std/assert@1.0.19";
import { isKnownFinite, noteFinite } from "../../src/params/finite_vectors.ts";

Deno.test("noteFinite() knows finite vectors until they are noted with another value", () => {
  const vector = Float32Array.of(1, 2, 3);
  assert(!isKnownFinite(vector), "before it is noted");
  noteFinite(vector);
  assert(isKnownFinite(vector));
  assert(!isKnownFinite(vector.slice()), "a copy is another vector");
  vector[1] = NaN;
  noteFinite(vector);
  assert(!isKnownFinite(vector), "with a NaN");
  vector[1] = 0;
  noteFinite(vector);
  assert(isKnownFinite(vector), "finite again");
});
