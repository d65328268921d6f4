import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  AT_LEAST_ONE,
  checkInRange,
  checkSeed,
  describeRange,
  isCount,
  isInRange,
  type Range,
  SHARE,
} from "../../src/base/check.ts";

const CASES: { range: Range; words: string; inside: number[]; outside: unknown[] }[] = [
  {
    range: {},
    words: "a number",
    inside: [0, -1.5, Number.MAX_VALUE],
    outside: [NaN, Infinity, -Infinity, "1", null, undefined],
  },
  {
    range: AT_LEAST_ONE,
    words: "a whole number from 1",
    inside: [1, Number.MAX_SAFE_INTEGER],
    outside: [0, 1.5, 2 ** 53, "1"],
  },
  {
    range: SHARE,
    words: "a number above 0 and at most 1",
    inside: [Number.MIN_VALUE, 1],
    outside: [0, 1.001, NaN],
  },
  {
    range: { least: 0, below: 1 },
    words: "a number from 0 and below 1",
    inside: [0, 0.999],
    outside: [-0.001, 1],
  },
];

Deno.test("isInRange() takes finite numbers within the bounds, and nothing else", () => {
  for (const { range, inside, outside } of CASES) {
    for (const value of inside) assertEquals(isInRange(value, range), true, `${value}`);
    for (const value of outside) assertEquals(isInRange(value, range), false, `${value}`);
  }
});

Deno.test("checkInRange() returns the value, or says what was expected", () => {
  for (const { range, words, inside, outside } of CASES) {
    assertEquals(describeRange(range), words);
    for (const value of inside) assertEquals(checkInRange(value, range, "Cannot go on"), value);
    for (const value of outside) {
      const error = assertThrows(
        () => checkInRange(value as number, range, "Cannot go on"),
        RangeError,
      );
      assertEquals(error.message, `Cannot go on: expected ${words}, got ${value}`);
    }
  }
});

Deno.test("isCount() takes whole numbers from 0", () => {
  assertEquals([0, 7, -1, 0.5, "7", null].map(isCount), [true, true, false, false, false, false]);
});

Deno.test("checkSeed() takes integers of 32 bits without a sign", () => {
  assertEquals(checkSeed(0xFFFF_FFFF), 0xFFFF_FFFF);
  for (const seed of [-1, 0.5, 2 ** 32, NaN]) {
    assertThrows(() => checkSeed(seed), RangeError, "Cannot use the seed: expected an integer");
  }
});
