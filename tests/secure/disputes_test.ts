import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Disputes } from "../../src/secure/server/disputes.ts";

const RANKS = [1, 2, 3, 4, 5, 6, 7];
const BOX = new Uint8Array();

/** Disputes of seven members, each of which was sent a box by every other one. */
function disputes(...complaints: readonly [rank: number, accused: readonly number[]][]) {
  const boxes = new Map(RANKS.map((rank) => [rank, {
    shares: RANKS.filter((other) => other !== rank).map((rank) => ({ rank, box: BOX })),
  }]));
  const all = new Disputes(boxes);
  for (const [rank, accused] of complaints) all.add(rank, accused);
  return [...all.out.keys()].sort();
}

Deno.test("a member in dispute with more than half of its neighbours is out alone", () => {
  assertEquals(disputes([1, [7]], [2, [7]], [3, [7]], [4, [7]]), [7]);
  assertEquals(disputes([7, [1, 2, 3, 4]]), [7]);
  assertEquals(disputes([7, [1, 2, 3, 4]], [1, [7, 2]]), [1, 2, 7]);
});

Deno.test("of fewer disputes both sides are out, so that nobody drops out others for nothing", () => {
  assertEquals(disputes([1, [7]]), [1, 7]);
  assertEquals(disputes([1, [7]], [2, [7]], [3, [7]]), [1, 2, 3, 7]);
  assertEquals(disputes([7, [1, 2]]), [1, 2, 7]);
});

Deno.test("complaints about others than the senders of boxes do not count", () => {
  assertEquals(disputes(), []);
  assertEquals(disputes([1, [1, 8, 99]], [9, [1, 2, 3, 4, 5]]), []);
});
