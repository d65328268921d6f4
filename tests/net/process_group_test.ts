import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { ProtocolError, type ProtocolFault } from "../../src/base/errors.ts";
import { formatRanks } from "../../src/base/rank.ts";
import { ProcessGroup } from "../../src/net/process_group.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** A group whose members are named, with these ranks joined. */
function groupOf(worldSize: number, ranks: readonly number[] = []): ProcessGroup<string> {
  const group = new ProcessGroup<string>(worldSize);
  for (const rank of ranks) group.ready(group.claim(`client ${rank}`, rank));
  return group;
}

function assertRefused(fault: ProtocolFault, message: string, action: () => unknown): void {
  const error = assertThrows(action, ProtocolError);
  assertEquals([error.fault, error.message], [fault, message]);
}

Deno.test("ProcessGroup refuses a world without a client", () => {
  for (const size of [1, 0, -3, 2.5, NaN, Infinity]) {
    assertThrows(() => new ProcessGroup(size), RangeError, `at least 2, got ${size}`);
  }
  assertEquals(new ProcessGroup(2).worldSize, 2);
});

Deno.test("claim() gives the rank asked for, or the lowest that is free", () => {
  const group = groupOf(5);
  assertEquals(group.claim("a", 2), 2);
  assertEquals(group.claim("b"), 1);
  assertEquals(group.claim("c"), 3);
  assertEquals(group.claim("d"), 4);
});

Deno.test("claim() refuses ranks out of range, taken ranks and a full group, by fault name", () => {
  const group = groupOf(3, [1]);
  for (const rank of [0, 3, -1, 1.5]) {
    assertRefused(
      "rank-out-of-range",
      `Cannot join: expected a rank from 1 to 2, got ${rank}`,
      () => group.claim("x", rank),
    );
  }
  assertRefused(
    "rank-taken",
    "Cannot join: rank 1 is taken by another client",
    () => group.claim("x", 1),
  );
  group.claim("b");
  assertRefused(
    "group-full",
    "Cannot join: expected a free rank from 1 to 2, all are taken",
    () => group.claim("x"),
  );
  assertRefused(
    "rank-taken",
    "Cannot join: rank 2 is taken by another client",
    () => group.claim("x", 2),
  );
});

Deno.test("a rank counts as joined once it is ready, not when it is claimed", () => {
  const group = groupOf(3);
  group.claim("a", 2);
  assertEquals([group.ranks, group.missing, group.get(2)], [[], [1, 2], undefined]);
  group.ready(2);
  assertEquals([group.ranks, group.missing, group.get(2)], [[2], [1], "a"]);
});

Deno.test("ready() of a rank that nobody claimed counts for nothing", () => {
  const group = groupOf(3);
  group.ready(1);
  group.ready(7);
  assertEquals([group.ranks, group.get(1)], [[], undefined]);
});

Deno.test("ranks and missing are sorted, in any order of joining", () => {
  const group = groupOf(12, [10, 2, 11, 3]);
  assertEquals(group.ranks, [2, 3, 10, 11]);
  assertEquals(group.missing, [1, 4, 5, 6, 7, 8, 9]);
});

Deno.test("leave() frees the rank for another", () => {
  const group = groupOf(3, [1, 2]);
  group.leave(1, "client 1");
  assertEquals([group.ranks, group.get(1)], [[2], undefined]);
  assertEquals(group.claim("again"), 1);
  assertEquals(group.ranks, [2], "the newcomer is not ready because the one before was");
});

Deno.test("leave() by another member, or of a rank without one, does nothing", () => {
  const group = groupOf(3, [1]);
  group.leave(1, "an impostor");
  group.leave(2, "client 2");
  assertEquals([group.ranks, group.get(1)], [[1], "client 1"]);
});

Deno.test("progress says how many have joined and who is missing", () => {
  const group = groupOf(5, [1, 2]);
  assertEquals(group.progress, "2 of 4 clients joined; waiting for ranks 3, 4");
  group.ready(group.claim("c", 3));
  assertEquals(group.progress, "3 of 4 clients joined; waiting for rank 4");
  group.ready(group.claim("d", 4));
  assertEquals(group.progress, "4 of 4 clients joined");
  assertEquals(
    groupOf(101, [50]).progress,
    "1 of 100 clients joined; waiting for ranks 1-49, 51-100",
  );
});

Deno.test("formatRanks() joins neighbours from three on", () => {
  assertEquals(formatRanks([]), "");
  assertEquals(formatRanks([4]), "4");
  assertEquals(formatRanks([3, 4]), "3, 4");
  assertEquals(formatRanks([3, 4, 5]), "3-5");
  assertEquals(formatRanks([1, 3, 4, 5, 6, 7, 9, 10]), "1, 3-7, 9, 10");
});

Deno.test("joined() resolves at once when so many are there, and else with the last of them", async () => {
  const group = groupOf(4, [1]);
  await group.joined(1);
  const log: string[] = [];
  const three = group.joined(3).then(() => log.push("three"));
  const two = group.joined(2).then(() => log.push("two"));
  group.ready(group.claim("b"));
  await two;
  assertEquals(log, ["two"]);
  group.ready(group.claim("c"));
  await three;
  assertEquals(log, ["two", "three"]);
});

Deno.test("joined() does not count one that came and left", async () => {
  const group = groupOf(3);
  let done = false;
  const joined = group.joined(2).then(() => done = true);
  group.ready(group.claim("a", 1));
  group.leave(1, "a");
  group.ready(group.claim("b", 2));
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assertEquals(done, false);
  group.ready(group.claim("c", 1));
  await joined;
});

Deno.test("joined() rejects with the signal's reason, before or while it waits", async () => {
  const group = groupOf(3);
  const reason = new Error("The user pressed Ctrl-C");
  assertStrictEquals(await assertRejects(() => group.joined(1, AbortSignal.abort(reason))), reason);
  const controller = new AbortController();
  const waiting = assertRejects(() => group.joined(1, controller.signal));
  controller.abort(reason);
  assertStrictEquals(await waiting, reason);
  await groupOf(3, [1]).joined(1, AbortSignal.abort(reason));
});
