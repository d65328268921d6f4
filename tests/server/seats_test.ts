import { ProtocolError } from "../../mod.ts";
import { type Claim, type KeyRights, Seats } from "../../src/server/sessions/seats.ts";
import type { SavedRanks } from "../../src/round/record/saved_run.ts";
import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";

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

Deno.test("Seats refuses a newcomer of another world size, and takes one back whose group has grown", () => {
  const seats = new Seats<string>(4, { tokens: [[1, "0".repeat(32)]] });
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

// Under keys

/** The claim of a key's holder. */
function holder(name: string, claim: Partial<Claim> = {}, rights: Partial<KeyRights> = {}): Claim {
  return {
    identity: `ed25519:${name}`,
    key: { seats: 1, isReserved: () => false, ...rights },
    ...claim,
  };
}

/** Has a client join, and gives its rank and token. */
function joinAs(
  seats: Seats<string>,
  member: string,
  claim: Claim,
): { rank: number; token: string } {
  const given = seats.claim(member, claim, () => {});
  seats.sit(given.rank, given.token);
  return given;
}

function faultOf(action: () => unknown): string {
  return assertThrows(action, ProtocolError).fault;
}

/** What a checkpoint gives back. */
function throughJson(saved: SavedRanks): SavedRanks {
  return JSON.parse(JSON.stringify(saved));
}

Deno.test("Seats keeps the rank of a key for it, whether the client is here, away, given up or has left", () => {
  const seats = new Seats<string>(4);
  const { rank, token } = joinAs(seats, "a", holder("A", { rank: 2 }));
  const others = () => {
    assertEquals(faultOf(() => seats.claim("b", holder("B", { rank }), () => {})), "rank-taken");
    assertEquals(joinAs(seats, "c", holder("C")).rank, 1);
    assert(seats.leave(1, "c"));
    assertEquals(seats.strike((identity) => identity.endsWith("C") ? "gone" : undefined).length, 1);
  };
  others();
  assertEquals(faultOf(() => seats.claim("b", holder("B", { token }), () => {})), "not-authorized");
  assert(seats.lose(rank, "a", 60, () => {}));
  assertEquals(faultOf(() => seats.claim("b", holder("B", { token }), () => {})), "not-authorized");
  others();
  seats.giveUp(rank);
  others();
  assertEquals(joinAs(seats, "a2", holder("A")).rank, rank, "its own, without a token");
  assert(seats.leave(rank, "a2"));
  others();
  seats.close();
});

Deno.test("Seats gives a key one seat, or as many as it may have, and its own back when it has them", () => {
  const seats = new Seats<string>(5);
  assertEquals(joinAs(seats, "a", holder("A", { rank: 3 })).rank, 3);
  assertEquals(
    faultOf(() => seats.claim("b", holder("A", { rank: 1 }), () => {})),
    "not-authorized",
  );
  assertEquals(seats.rival(holder("A")), "a");
  assertEquals(seats.rival(holder("A", { rank: 3 })), "a");
  assertEquals(seats.rival(holder("B")), undefined);

  const two = { seats: 2 };
  assertEquals(joinAs(seats, "a2", holder("A", {}, two)).rank, 1);
  assertEquals(
    faultOf(() => seats.claim("b", holder("A", { rank: 2 }, two), () => {})),
    "not-authorized",
  );
  assert(seats.lose(3, "a", 60, () => {}));
  assertEquals(seats.rival(holder("A", {}, two)), undefined);
  assertEquals(joinAs(seats, "a3", holder("A", {}, two)).rank, 3, "the one that nobody sits on");
  seats.close();
});

Deno.test("Seats counts the seats for which a key is registering", () => {
  const seats = new Seats<string>(5);
  const { rank } = seats.claim("a", holder("A"), () => {});
  assertEquals(seats.rival(holder("A")), "a");
  assertEquals(
    faultOf(() => seats.claim("b", holder("A", { rank: 3 }), () => {})),
    "not-authorized",
  );
  assertEquals(faultOf(() => seats.claim("c", holder("C", { rank }), () => {})), "rank-taken");
  seats.cancel(rank, "a", 1, () => {});
  assertEquals(joinAs(seats, "c", holder("C", { rank })).rank, rank, "nobody had sat down");
});

Deno.test("Seats follows the ranks that the list gives to keys", () => {
  const seats = new Seats<string>(4);
  const isReserved = (rank: number) => rank === 1;
  assertEquals(joinAs(seats, "b", holder("B", {}, { isReserved })).rank, 2);
  assertEquals(
    faultOf(() => seats.claim("c", holder("C", { rank: 1 }, { isReserved }), () => {})),
    "not-authorized",
  );
  assertEquals(
    faultOf(() => seats.claim("a", holder("A", { rank: 3 }, { rank: 1 }), () => {})),
    "not-authorized",
  );
  assertEquals(joinAs(seats, "a", holder("A", {}, { rank: 1 })).rank, 1);
});

Deno.test("Seats knows after a resume which seat is whose: a thousand tries with other keys and tokens get none", () => {
  const before = new Seats<string>(4);
  const given = ["A", "B", "C"].map((name) => joinAs(before, name, holder(name)));
  // One is away, one has left.
  before.lose(1, "A", 60, () => {});
  before.leave(2, "B");
  before.close();
  const seats = new Seats<string>(4, throughJson(before.saved));
  assertEquals(seats.away, [1, 3]);
  for (let n = 0; n < 1000; n++) {
    const rank = n % 4;
    const { token } = given[n % 3] ?? {};
    const claim = holder(`stranger ${n % 7}`, {
      ...(rank > 0 && { rank }),
      ...(n % 2 > 0 && token !== undefined && { token }),
    });
    const fault = faultOf(() => seats.claim("x", claim, () => {}));
    assert(["rank-taken", "not-authorized", "group-full"].includes(fault), fault);
  }
  assertEquals(
    given.map(({ rank }) => joinAs(seats, `${rank}`, holder("ABC"[rank - 1] ?? "")).rank),
    [1, 2, 3],
  );
});

Deno.test("Seats reads a checkpoint without identities, and then binds rank and key as first seen", () => {
  const seats = new Seats<string>(3, throughJson({ tokens: [[1, "one"], [2, "two"]] }));
  assertEquals(joinAs(seats, "a", holder("A", { token: "one" })).rank, 1);
  assertEquals(joinAs(seats, "b", holder("B", { rank: 2 })).rank, 2);
  assertEquals(
    seats.rival(holder("A", { token: "two" })),
    "a",
    "a token that was replaced is none",
  );
  const again = new Seats<string>(3, throughJson(seats.saved));
  assertEquals(
    faultOf(() => again.claim("x", holder("X", { token: "one" }), () => {})),
    "not-authorized",
  );
  assertEquals(faultOf(() => again.claim("x", holder("B", { rank: 1 }), () => {})), "rank-taken");
});

Deno.test("Seats.strike() frees the seats of a key, with whoever sits there", () => {
  const seats = new Seats<string>(3);
  const { token } = joinAs(seats, "a", holder("A"));
  joinAs(seats, "b", holder("B"));
  assertEquals(
    seats.strike((identity, rank) => identity === "ed25519:A" ? `off ${rank}` : undefined),
    [[1, "off 1", true]],
  );
  assertEquals([seats.rankOf(token), seats.group.get(1), seats.ranks], [undefined, undefined, [2]]);
  assertEquals(seats.lose(1, "a", 1, () => {}), false);
  assertEquals(joinAs(seats, "c", holder("C", { token })).rank, 1);
});

Deno.test("Seats of an open server are taken when they are free, after one with keys too", () => {
  const before = new Seats<string>(3);
  joinAs(before, "a", holder("A"));
  const seats = new Seats<string>(3, throughJson(before.saved));
  const { rank } = joinAs(seats, "x", { identity: "open", rank: 1 });
  assert(seats.leave(rank, "x"));
  assertEquals(joinAs(seats, "y", { identity: "open", rank: 1 }).rank, 1);
});
