import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Seats } from "../src/server/_seats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("Seats keeps the seat of a client that came back and was lost again before it was ready, for a time", async () => {
  const seats = new Seats<string>(3);
  const { rank, token } = seats.claim("first", { identity: "open", rank: 1 }, () => {});
  seats.sit(rank, token, "open");
  const replaced: string[] = [];
  seats.claim("second", { identity: "open", token }, (former) => replaced.push(former));
  assertEquals(replaced, ["first"]);
  assertEquals(seats.away, [1]);

  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(seats.cancel(1, "first", 0.01, resolve), false, "its seat is another's");
  assertEquals(seats.cancel(1, "second", 0.01, resolve), true);
  assertEquals(seats.away, [1]);
  await promise;
  assertEquals(seats.away, []);
  assertEquals(seats.rankOf(token), undefined);
});

Deno.test("Seats gives up at once what a newcomer had not sat down on", () => {
  const seats = new Seats<string>(3);
  const { rank } = seats.claim("one", { identity: "open" }, () => {});
  assertEquals(seats.cancel(rank, "one", 1, () => {}), false);
  assertEquals([seats.away, seats.group.missing], [[], [1, 2]]);
});

Deno.test("Seats refuses a newcomer of another world size, and takes one back whose group has grown", () => {
  const seats = new Seats<string>(4, [[1, "0".repeat(32)]]);
  const claim = { identity: "open", worldSize: 3 };
  for (const wish of [{}, { rank: 1 }, { token: "f".repeat(32) }]) {
    const error = assertThrows(() => seats.claim("new", { ...claim, ...wish }, () => {}));
    assertEquals(
      [Object(error).fault, Object(error).message],
      [
        "world-size-mismatch",
        "Cannot join: expected a world size of 4, got 3; start the client with 4, or without a world size",
      ],
    );
  }
  const { rank, token } = seats.claim("old", { ...claim, token: "0".repeat(32) }, () => {});
  assertEquals([rank, token], [1, "0".repeat(32)]);
  assertEquals(seats.claim("new", { identity: "open", worldSize: 4 }, () => {}).rank, 2);
});
