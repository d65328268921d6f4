import { assert, assertEquals, assertStrictEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  blend,
  difference,
  flatten,
  fold,
  fromHalf,
  type KernelBuild,
  Kernels,
  kernelsOf,
  scale,
  stats,
  toHalf,
  unflatten,
  useKernelBuild,
  vectorLike,
} from "../../src/params/kernels.ts";
import { Random } from "../../src/base/random.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const BUILDS: KernelBuild[] = ["simd128", "relaxed-simd"];
const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 1023, 4099];
const SHIFTS = [0, 1, 2, 3];
const PLACES = ["arena", "heap"] as const;
type Place = typeof PLACES[number];
const GUARD = 12345;
const EPSILON = 2 ** -23;

/** Values of either sign whose magnitudes span five decades. */
function sample(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const phase = (i + 1) * (seed + 1) * 0.7548776662466927 % 1;
    return (phase - 0.5) * 10 ** (i % 5 - 2);
  });
}

/** A place for vectors whose neighbours are watched. */
class Bench {
  readonly kernels: Kernels;
  readonly #watched: (Float32Array | Uint16Array)[] = [];

  constructor(readonly build: KernelBuild) {
    this.kernels = Kernels.create(2 ** 24, { build });
    useKernelBuild(build);
  }

  vector(place: Place, values: Float32Array, shift: number): Float32Array {
    const room = values.length + shift + 1;
    const whole = place === "arena" ? this.kernels.alloc(room) : new Float32Array(room);
    return this.#inside(whole, values, shift);
  }

  halves(place: Place, values: Uint16Array, shift: number): Uint16Array {
    const room = values.length + shift + 1;
    const bytes = place === "arena" ? this.kernels.allocBytes(2 * room) : new Uint8Array(2 * room);
    return this.#inside(new Uint16Array(bytes.buffer, bytes.byteOffset, room), values, shift);
  }

  #inside<View extends Float32Array | Uint16Array>(whole: View, values: View, shift: number): View {
    whole.fill(GUARD);
    const part = whole.subarray(shift, shift + values.length) as View;
    part.set(values);
    this.#watched.push(whole.subarray(0, shift), whole.subarray(shift + values.length));
    return part;
  }

  [Symbol.dispose](): void {
    useKernelBuild("auto");
    for (const guard of this.#watched) {
      assert(guard.every((value) => value === GUARD), "wrote past the end");
    }
  }
}

/**
 * Runs the body for both builds, every length and shift, and `count` places in every combination.
 */
function everywhere(
  count: number,
  body: (bench: Bench, length: number, shift: number, places: Place[]) => void,
): void {
  for (const build of BUILDS) {
    using bench = new Bench(build);
    for (const length of LENGTHS) {
      for (const shift of SHIFTS) {
        for (let choice = 0; choice < PLACES.length ** count; choice++) {
          const places = Array.from(
            { length: count },
            (_, i): Place => choice >> i & 1 ? "heap" : "arena",
          );
          body(bench, length, shift, places);
        }
      }
    }
  }
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** The float32 whose bits are so many steps further. */
function neighbour(value: number, steps: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  view.setUint32(0, view.getUint32(0) + steps);
  return view.getFloat32(0);
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert(
    Math.abs(actual - expected) <= tolerance,
    `expected ${expected} ± ${tolerance}, got ${actual}`,
  );
}

function assertSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assertEquals(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) assertStrictEquals(actual[i], expected[i], `at ${i}`);
  }
}

Deno.test("stats() gives norm and count wherever the vector lies", () => {
  everywhere(1, (bench, length, shift, [place = "heap"]) => {
    const values = sample(length, 1);
    const found = stats(bench.vector(place, values, shift));
    assertNear(found.norm, norm(values), 1e-6 * norm(values));
    assertEquals(found.nonFinite, 0);
  });
});

Deno.test("stats() counts NaN and the infinities, and its norm shows them", () => {
  const kernels = Kernels.create(2 ** 19);
  for (const vector of [new Float32Array(100_003), kernels.alloc(100_003)]) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      vector.fill(1);
      for (const index of [0, 17, 50_000, 100_002]) vector[index] = bad;
      const found = stats(vector);
      assertEquals(found.nonFinite, 4);
      assertEquals(found.norm, Number.isNaN(bad) ? NaN : Infinity);
    }
  }
});

Deno.test("stats() takes values whose squares float32 cannot hold", () => {
  for (const value of [3e38, -3e38, 1e-25, 1e-42]) {
    for (const length of [1, 64, 20_000]) {
      const vector = new Float32Array(length).fill(value);
      const expected = Math.abs(Math.fround(value)) * Math.sqrt(length);
      const found = stats(vector);
      assertNear(found.norm, expected, 1e-6 * expected);
      assertEquals(found.nonFinite, 0);
    }
  }
});

Deno.test("stats() keeps its precision over values that all round the same way", () => {
  const vector = new Float32Array(3_000_000).fill(0.1);
  const expected = Math.fround(0.1) * Math.sqrt(vector.length);
  assertNear(stats(vector).norm, expected, 2e-7 * expected);
});

Deno.test("the kernels give the same bits wherever the vectors lie", () => {
  const length = 1_000_003;
  for (const build of BUILDS) {
    useKernelBuild(build);
    const kernels = Kernels.create(length * 8 + 128, { build });
    const place = (values: Float32Array) => {
      const vector = kernels.alloc(length);
      vector.set(values);
      return vector;
    };
    const [a, b] = [sample(length, 2), sample(length, 3)];
    const [arenaA, arenaB] = [place(a), place(b)];
    assertEquals(stats(arenaA), stats(a));
    fold(arenaA, arenaB, 0.3);
    fold(a, b, 0.3);
    assertSame(arenaA, a);
    assertEquals(flatten([arenaA], arenaB), flatten([a], b));
    assertEquals(flatten([arenaA], b), flatten([a], arenaB));
    assertSame(arenaB, b);
    scale(arenaB, 0.7);
    scale(b, 0.7);
    assertEquals(difference(arenaA, arenaB, arenaB), difference(a, b, b));
    assertSame(arenaB, b);
  }
  useKernelBuild("auto");
});

Deno.test("flatten() puts tensors in order, with their statistics", () => {
  everywhere(2, (bench, length, shift, [from = "heap", to = "heap"]) => {
    const values = sample(length, 4);
    const cuts = [0, Math.floor(length / 3), Math.floor(length / 3), length];
    const tensors = cuts.slice(1).map((end, i) =>
      bench.vector(from, values.subarray(cuts[i], end), shift)
    );
    const into = bench.vector(to, new Float32Array(length), 3 - shift);
    const found = flatten(tensors, into);
    assertSame(into, values);
    assertNear(found.norm, norm(values), 1e-6 * norm(values));
    assertEquals(found.nonFinite, 0);
  });
});

Deno.test("flatten() counts non-finite values over all tensors", () => {
  const tensors = [
    new Float32Array([1, NaN]),
    new Float32Array(0),
    new Float32Array([Infinity, 2, NaN]),
  ];
  assertEquals(flatten(tensors, new Float32Array(5)).nonFinite, 3);
});

Deno.test("flatten() refuses a vector of another length and leaves it alone", () => {
  const into = new Float32Array([7, 7, 7]);
  assertThrows(
    () => flatten([new Float32Array(2)], into),
    RangeError,
    "Cannot flatten the tensors: expected a vector of 2 values, got 3",
  );
  assertEquals([...into], [7, 7, 7]);
});

Deno.test("unflatten() gives each tensor its part", () => {
  everywhere(2, (bench, length, shift, [from = "heap", to = "heap"]) => {
    const values = sample(length, 5);
    const vector = bench.vector(from, values, shift);
    const half = length >> 1;
    const tensors = [half, 0, length - half].map((size) =>
      bench.vector(to, new Float32Array(size), 3 - shift)
    );
    const found = unflatten(vector, tensors);
    assertSame(tensors.flatMap((tensor) => [...tensor]), values);
    assertNear(found.norm, norm(values), 1e-6 * norm(values));
  });
});

Deno.test("unflatten() refuses what does not fit or is not finite before it writes", () => {
  const kernels = Kernels.create(2 ** 10);
  for (const make of [(n: number) => new Float32Array(n), (n: number) => kernels.alloc(n)]) {
    const [vector, ...tensors] = [make(7), make(3), make(4)];
    const check = (message: string, targets: Float32Array[]) => {
      for (const tensor of tensors) tensor.fill(9);
      assertThrows(() => unflatten(vector, targets), RangeError, message);
      for (const tensor of tensors) assert(tensor.every((value) => value === 9));
    };
    vector.fill(1);
    check("expected a vector of 3 values, got 7", tensors.slice(0, 1));
    vector[6] = NaN;
    check("expected finite values, got 1 that are not", tensors);
    vector[0] = -Infinity;
    check("expected finite values, got 2 that are not", tensors);
  }
});

Deno.test("fold() adds the weighted vector", () => {
  everywhere(2, (bench, length, shift, [here = "heap", there = "heap"]) => {
    const [before, x] = [sample(length, 6), sample(length, 7)];
    const weight = Math.fround(0.37);
    const acc = bench.vector(here, before, shift);
    fold(acc, bench.vector(there, x, 3 - shift), weight);
    acc.forEach((value, i) => {
      const [a, b] = [before[i] ?? NaN, x[i] ?? NaN];
      assertNear(value, a + weight * b, EPSILON * (Math.abs(a) + Math.abs(weight * b)));
    });
  });
});

Deno.test("fold() and blend() give a value the same bits wherever in the vector it stands", () => {
  const [before, x] = [sample(1023, 18), sample(1023, 19)];
  for (const build of BUILDS) {
    using bench = new Bench(build);
    for (const operation of [fold, blend]) {
      const whole = bench.vector("arena", before, 0);
      operation(whole, bench.vector("arena", x, 0), 0.3);
      const single = bench.vector("arena", before, 0);
      for (let i = 0; i < single.length; i++) {
        operation(single.subarray(i, i + 1), x.subarray(i, i + 1), 0.3);
      }
      assertSame(single, whole);
    }
  }
});

Deno.test("blend() moves towards the vector by the share t", () => {
  everywhere(2, (bench, length, shift, [here = "heap", there = "heap"]) => {
    const [before, x] = [sample(length, 8), sample(length, 9)];
    const t = Math.fround(0.37);
    const acc = bench.vector(here, before, shift);
    blend(acc, bench.vector(there, x, 3 - shift), t);
    acc.forEach((value, i) => {
      const [a, b] = [before[i] ?? NaN, x[i] ?? NaN];
      assertNear(value, a + t * (b - a), 2 * EPSILON * (Math.abs(a) + Math.abs(b)));
    });
  });
});

Deno.test("blend() by 1 gives the vector, by 0 or of equals nothing new, bit for bit", () => {
  everywhere(2, (bench, length, shift, [here = "heap", there = "heap"]) => {
    const [before, x] = [sample(length, 10).map((value) => value * 1e20), sample(length, 11)];
    const acc = bench.vector(here, before, shift);
    const other = bench.vector(there, x, 3 - shift);
    blend(acc, other, 0);
    assertSame(acc, before);
    blend(acc, other, 1);
    assertSame(acc, x);
    blend(acc, other, 0.3);
    assertSame(acc, x);
  });
});

Deno.test("scale() multiplies", () => {
  everywhere(1, (bench, length, shift, [place = "heap"]) => {
    const values = sample(length, 12);
    const factor = Math.fround(-1.7);
    const vector = bench.vector(place, values, shift);
    scale(vector, factor);
    assertSame(vector, values.map((value) => value * factor));
  });
});

Deno.test("difference() subtracts, with the statistics of the result, in place too", () => {
  everywhere(3, (bench, length, shift, [first = "heap", second = "heap", third = "heap"]) => {
    const [x, y] = [sample(length, 13), sample(length, 14)];
    const expected = x.map((value, i) => value - (y[i] ?? NaN));
    const [a, b] = [bench.vector(first, x, shift), bench.vector(second, y, 3 - shift)];
    const into = bench.vector(third, new Float32Array(length), 1);
    for (const target of [into, b]) {
      const found = difference(a, b, target);
      assertSame(target, expected);
      assertNear(found.norm, norm(expected), 1e-6 * norm(expected));
    }
    assertSame(a, x);
  });
});

Deno.test("difference() counts what overflows", () => {
  const found = difference(
    new Float32Array([3e38, 1]),
    new Float32Array([-3e38, 1]),
    new Float32Array(2),
  );
  assertEquals(found, { norm: Infinity, nonFinite: 1 });
});

Deno.test("operations on two vectors refuse other lengths", () => {
  const [two, three] = [new Float32Array(2), new Float32Array(3)];
  for (
    const operation of [
      () => fold(two, three, 1),
      () => blend(two, three, 1),
      () => difference(two, three, two),
      () => difference(two, two, three),
      () => toHalf(two, new Uint16Array(3)),
      () => fromHalf(new Uint16Array(2), three),
    ]
  ) assertThrows(operation, RangeError, "expected 2 values, got 3");
});

Deno.test("fromHalf() widens every half as the engine does", () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const expected = new Float32Array(new Float16Array(halves.buffer));
  for (const build of BUILDS) {
    for (const place of PLACES) {
      using bench = new Bench(build);
      const into = bench.vector(place, new Float32Array(65536), 1);
      fromHalf(bench.halves(place, halves, 1), into);
      assertSame(into, expected);
    }
  }
});

Deno.test("toHalf() rounds as the engine does, around every half", () => {
  const halves = new Float32Array(
    new Float16Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer),
  );
  const near: number[] = [];
  halves.forEach((half, i) => {
    const middle = (half + (halves[i + 1] ?? half)) / 2;
    near.push(half, middle, half * 1.0001, half * 1e-5);
    if (Number.isFinite(middle)) near.push(neighbour(middle, 1), neighbour(middle, -1));
  });
  const values = new Float32Array([
    ...near,
    65504,
    65519.996,
    65520,
    -65520,
    3e38,
    1e-45,
    -0,
    Infinity,
    NaN,
  ]);
  const expected = new Uint16Array(new Float16Array(values).buffer);
  for (const build of BUILDS) {
    using bench = new Bench(build);
    const into = bench.halves("heap", new Uint16Array(values.length), 1);
    toHalf(values, into);
    into.forEach((half, i) => {
      const isNaN = Number.isNaN(values[i]);
      if (isNaN ? (half & 0x7FFF) <= 0x7C00 : half !== expected[i]) {
        assertEquals(half, expected[i], `the half of ${values[i]}`);
      }
    });
  }
});

Deno.test("toHalf() and fromHalf() work at any length and place", () => {
  everywhere(2, (bench, length, shift, [wide = "heap", narrow = "heap"]) => {
    const values = sample(length, 15);
    const expected = new Float16Array(values);
    const vector = bench.vector(wide, values, shift);
    const halves = bench.halves(narrow, new Uint16Array(length), 3 - shift);
    toHalf(vector, halves);
    assertSame(halves, new Uint16Array(expected.buffer));
    fromHalf(halves, vector);
    assertSame(vector, new Float32Array(expected));
  });
});

Deno.test("the builds agree but for rounding", () => {
  const [a, b] = [sample(4099, 16), sample(4099, 17)];
  const results = BUILDS.map((build) => {
    using bench = new Bench(build);
    const acc = bench.vector("arena", a, 1);
    fold(acc, b, 0.3);
    blend(acc, b, 0.3);
    return { acc: acc.slice(), found: difference(a, b, new Float32Array(4099)) };
  });
  const [plain, relaxed] = results;
  assert(plain && relaxed);
  assertEquals(plain.found, relaxed.found);
  plain.acc.forEach((value, i) => {
    const size = Math.abs(a[i] ?? NaN) + Math.abs(b[i] ?? NaN);
    assertNear(relaxed.acc[i] ?? NaN, value, 4 * EPSILON * size);
  });
});

Deno.test("Kernels.alloc() and free() agree with a model over a random sequence", () => {
  const random = new Random(1, "test");
  const capacity = 64 * 64;
  const kernels = Kernels.create(capacity);
  const held: (Float32Array | Uint8Array)[] = [];
  const probe = kernels.alloc(0);
  const base = probe.byteOffset / 64;
  kernels.free(probe);
  const cellsOf = ({ byteOffset, byteLength }: ArrayBufferView) => {
    return Array.from(
      { length: Math.max(1, Math.ceil(byteLength / 64)) },
      (_, i) => byteOffset / 64 + i,
    );
  };
  for (let step = 0; step < 3000; step++) {
    const cells = held.flatMap(cellsOf);
    assertEquals(new Set(cells).size, cells.length, "two views overlap");
    assert(
      cells.every((cell) => Number.isInteger(cell) && cell >= base && cell < base + capacity / 64),
    );
    assertEquals(kernels.available, capacity - cells.length * 64);
    const floats = random.below(200);
    if (random.below(10) < 6) {
      if (kernels.hasRoom(floats * 4)) {
        held.push(step % 2 ? kernels.alloc(floats) : kernels.allocBytes(floats * 4));
      } else {
        const used = new Set(held.flatMap(cellsOf));
        let run = 0, longest = 0;
        for (let cell = base; cell < base + capacity / 64; cell++) {
          run = used.has(cell) ? 0 : run + 1;
          longest = Math.max(longest, run);
        }
        assert(longest * 64 < floats * 4, "refused although there was room");
        assertThrows(
          () => kernels.alloc(floats),
          RangeError,
          `Cannot allocate ${floats * 4} bytes in the arena`,
        );
      }
    } else {
      const [view] = held.splice(random.below(held.length + 1), 1);
      if (view) kernels.free(view);
    }
  }
  for (const view of held) kernels.free(view);
  assertEquals(kernels.alloc(capacity / 4).length, capacity / 4);
});

Deno.test("Kernels.alloc() names need and room when the arena is full", () => {
  const kernels = Kernels.create(1000);
  assertEquals(kernels.capacity, 1024);
  const [first] = [kernels.alloc(16), kernels.alloc(128), kernels.alloc(96)];
  assertEquals(kernels.available, 64);
  kernels.free(first);
  assertThrows(
    () => kernels.alloc(32),
    RangeError,
    "Cannot allocate 128 bytes in the arena: 128 of 1024 bytes are free, 64 of them in one piece",
  );
});

Deno.test("Kernels.alloc() refuses lengths that are none", () => {
  const kernels = Kernels.create(1024);
  for (const length of [-1, 1.1, NaN, Infinity]) {
    assertThrows(
      () => kernels.alloc(length),
      RangeError,
      "Cannot allocate in the arena: expected a whole number",
    );
  }
});

Deno.test("Kernels.free() refuses a view twice, or one it did not allocate", () => {
  const [kernels, other] = [Kernels.create(1024), Kernels.create(1024)];
  const view = kernels.alloc(10);
  for (const foreign of [new Float32Array(10), other.alloc(10), view.subarray(0, 10)]) {
    assertThrows(() => kernels.free(foreign), RangeError, "Cannot free the view");
  }
  kernels.free(view);
  const again = kernels.alloc(10);
  assertEquals(again.byteOffset, view.byteOffset);
  assertThrows(() => kernels.free(view), RangeError, "Cannot free the view");
  kernels.free(again);
});

Deno.test("Kernels.owns() and kernelsOf() tell whose a view is", () => {
  const [kernels, other] = [Kernels.create(1024), Kernels.create(1024)];
  const view = kernels.alloc(10);
  assert(kernels.owns(view) && kernels.owns(view.subarray(3)) && !other.owns(view));
  assertStrictEquals(kernelsOf(view.subarray(3)), kernels);
  assertStrictEquals(kernelsOf(new Float32Array(1)), undefined);
});

Deno.test("Kernels.create() refuses what no memory can be, or no build is", () => {
  for (const capacity of [-1, 0.5, NaN]) {
    assertThrows(() => Kernels.create(capacity), RangeError, "expected a whole number of bytes");
  }
  assertThrows(
    () => Kernels.create(2 ** 32),
    RangeError,
    "Cannot create an arena: expected at most",
  );
  assertThrows(() => Kernels.create(1, { build: "avx" as KernelBuild }), TypeError, "got avx");
});

Deno.test("kernels work past the first 2 GiB of an arena", () => {
  const kernels = Kernels.create(3 * 2 ** 30);
  kernels.alloc(5 * 2 ** 27);
  const [acc, x] = [kernels.alloc(1000), kernels.alloc(1000).fill(2)];
  assert(acc.byteOffset > 2 ** 31);
  fold(acc, x, 3);
  assertEquals([...acc], new Array(1000).fill(6));
  assertNear(stats(acc).norm, Math.sqrt(36_000), 1e-4);
});

Deno.test("useKernelBuild() sets what auto stands for", () => {
  for (const build of BUILDS) {
    useKernelBuild(build);
    assertEquals(Kernels.create(64).build, build);
  }
  useKernelBuild("auto");
  assertEquals(Kernels.create(64).build, "relaxed-simd");
  assertThrows(() => useKernelBuild("avx" as KernelBuild), TypeError, "got avx");
});

Deno.test("vectorLike() stays in the arena while that has room", () => {
  const kernels = Kernels.create(3 * 64);
  const vector = kernels.alloc(10).fill(1);
  kernels.free(kernels.alloc(16).fill(1));
  const [second, third, fourth] = [vector, vector, vector].map(vectorLike);
  assert(second && third && fourth);
  assert(kernels.owns(second) && kernels.owns(third) && !kernels.owns(fourth));
  for (const like of [second, third, fourth, vectorLike(new Float32Array(10))]) {
    assertEquals([...like], new Array(10).fill(0));
  }
});
