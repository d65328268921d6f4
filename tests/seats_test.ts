import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Seats } from "../src/server/_seats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("Seats keeps the seat of a client that came back and was lost again before it was ready, for a time", async () => {
  const seats = new Seats<string>(3);
  const { rank, token } = seats.claim("first", { identity: "open", rank: 1 }, () => {});
  seats.sit(rank, token);
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
