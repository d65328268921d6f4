/** Sums that clients have clipped themselves: their ring, and what one client can change. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { ClippedShare } from "../../src/privacy/distributed/member_share.ts";
import { memberShareOf } from "../../src/privacy/distributed/share_of.ts";
import { clippedRing, foldedSum } from "../../src/privacy/mechanism/clipped_sum.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import { ClearSum } from "../../src/secure/clear_sum.ts";
import { SecureError } from "../../src/secure/errors.ts";
import { LANES, readLanes } from "../../src/secure/quantize.ts";

const PLAN = { rounds: 4, clients: 8, cohort: 4, delta: 1e-5 };

/** Settings of the members of a run. */
function membersOf(options: { noise: number; clip: number; cohort?: number; clients?: number }) {
  const { privacy } = new CentralPrivacy({ mechanism: "ftrl", ...PLAN, ...options });
  const members = privacy.members?.();
  assert(members?.maxNorm !== undefined);
  return { ...members, norm: members.maxNorm };
}

Deno.test("a member's update in the ring has a norm of the clip at most, and one sample", () => {
  for (const [noise, clip] of [[2.7, 0.3], [0.05, 1e-3], [400, 8]] as const) {
    const { ring, norm } = membersOf({ noise, clip });
    assertEquals(norm, clip);
    const share = new ClippedShare(norm, ring), unit = share.ring.clip / share.ring.levels;
    for (const scale of [1e-3, 1, 1e6]) {
      const update = Float32Array.from({ length: 500 }, (_, i) => clip * scale * Math.sin(i * i));
      const values = share.quantize(update);
      const squares = values.subarray(0, 500).reduce((sum, one) => sum + (one | 0) ** 2, 0);
      const given = Math.sqrt(update.reduce((sum, one) => sum + one * one, 0));
      const most = Math.min(clip, given);
      assert(Math.sqrt(squares) * unit <= most * (1 + 1e-12), `${noise}, ${scale}`);
      assert(Math.sqrt(squares) * unit > 0.98 * most - unit * Math.sqrt(500), `${noise}, ${scale}`);
      assertEquals(readLanes(share.ring, values), { samples: 1, clamped: 0, loss: 0, steps: 0 });
    }
  }
});

Deno.test("updates of all members at the clip add up without an overflow", () => {
  for (const [noise, cohort] of [[0.05, 409], [1, 8192], [2.7, 5]] as const) {
    const { ring, norm } = membersOf({ noise, clip: 1, cohort, clients: cohort });
    const share = new ClippedShare(norm, ring), unit = share.ring.clip / share.ring.levels;
    const sum = new ClearSum(1 + LANES), one = share.quantize(Float32Array.of(-9));
    for (let member = 0; member < cohort; member++) sum.add(one);
    const [value = NaN] = foldedSum(sum.finish(), 1, { grid: { clip: norm, unit }, cohort });
    assertEquals(value, cohort * ((one[0] ?? NaN) | 0));
    assert(2 * Math.abs(value) <= 2 ** 31 && Math.abs(value * unit / cohort + 1) < 1e-3);
  }
});

Deno.test("sums without room for the noise of a large cohort are refused", () => {
  assertThrows(
    () => membersOf({ noise: 0.05, clip: 1, cohort: 1000, clients: 1000 }),
    RangeError,
    "expected a cohort of 3 to 409 members",
  );
  assertThrows(() => clippedRing({ clip: 1, unit: 2 ** -10 }, 2), RangeError, "a cohort of 3 to");
});

Deno.test("no member changes a sum by more than its own update, whatever the others have sent", () => {
  const cohort = 5, grid = { clip: 1, unit: 2 ** -17 }, most = cohort * 2 ** 17;
  const read = (sum: number) => {
    const [value = NaN] = foldedSum(Uint32Array.of(sum), 1, { grid, cohort });
    return value;
  };
  for (const value of [0, 1, -1, most, -most]) assertEquals(read(value), value);
  assertEquals([most + 1, 2 * most - 3, 2 * most, 2 ** 31].map(read), [most - 1, 3, 0, 0]);
  assertEquals([-most - 1, -2 * most, -(2 ** 31)].map(read).map((value) => value + 0), [
    1 - most,
    0,
    0,
  ]);
  const random = new Random(1, "test");
  const edges = [most, -most, 2 * most, -2 * most, 2 ** 31, 0];
  for (let i = 0; i < 20_000; i++) {
    const own = Math.trunc((random.uniform() * 2 - 1) * 2 ** 17);
    const near = (edges[i % edges.length] ?? 0) + Math.trunc((random.uniform() * 2 - 1) * 2 ** 18);
    const others = i % 2 === 0 ? near : random.uint32();
    const change = Math.abs(read(others + own) - read(others));
    assert(change <= Math.abs(own), `${own} changes ${others} by ${change}`);
  }
});

Deno.test("settings of members that do not clip as they must are refused", () => {
  const { ring, norm } = membersOf({ noise: 2, clip: 0.3 });
  for (
    const [changes, reason] of [
      [{ clip: norm / 2 }, "a norm up to"],
      [{ maxSamples: 2 }, "of one sample that round toward-zero"],
      [{ rounding: "random" as const }, "of one sample that round toward-zero"],
    ] as const
  ) assertThrows(() => new ClippedShare(norm, { ...ring, ...changes }), RangeError, reason);
  const noise = { clip: norm, noise: 2, fewest: 3, threshold: 3 };
  assertThrows(
    () => memberShareOf({ ...ring, maxNorm: norm, noise }),
    RangeError,
    "maxNorm or noise",
  );
  const share = memberShareOf({ ...ring, maxNorm: norm });
  const error = assertThrows(() => share?.quantize(Float32Array.of(NaN)), SecureError);
  assertEquals(error.fault, "non-finite");
});
