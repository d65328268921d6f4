import { ProtocolError } from "../../mod.ts";
import type { SavedRanks } from "../../src/round/record/saved_state.ts";
import type { Claim, KeyRights } from "../../src/server/sessions/rank_choice.ts";
import { RankRegistry } from "../../src/server/sessions/rank_registry.ts";
import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("RankRegistry keeps for a time the rank of a client that was lost again before it was ready", async () => {
  const registry = new RankRegistry<string>(3);
  const { rank, token } = registry.claim("first", { identity: "open", rank: 1 }, () => {});
  registry.assign(rank, token);
  const replaced: string[] = [];
  registry.claim("second", { identity: "open", token }, (former) => replaced.push(former));
  assertEquals(replaced, ["first"]);
  assertEquals(registry.away, [1]);

  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(registry.cancel(1, "first", 0.01, resolve), false, "its seat is another's");
  assertEquals(registry.cancel(1, "second", 0.01, resolve), true);
  assertEquals(registry.away, [1]);
  await promise;
  assertEquals(registry.away, []);
  assertEquals(registry.rankOf(token), undefined);
});

Deno.test("RankRegistry frees at once the rank of a new client that was never ready", () => {
  const registry = new RankRegistry<string>(3);
  const { rank } = registry.claim("one", { identity: "open" }, () => {});
  assertEquals(registry.cancel(rank, "one", 1, () => {}), false);
  assertEquals([registry.away, registry.group.missing], [[], [1, 2]]);
});

Deno.test("RankRegistry refuses a new client with another world size, and accepts a returning one whose group has grown", () => {
  const registry = new RankRegistry<string>(4, { tokens: [[1, "0".repeat(32)]] });
  const claim = { identity: "open", worldSize: 3 };
  for (const wish of [{}, { rank: 1 }, { token: "f".repeat(32) }]) {
    const error = assertThrows(() => registry.claim("new", { ...claim, ...wish }, () => {}));
    assertEquals(
      [Object(error).fault, Object(error).message],
      [
        "world-size-mismatch",
        "Cannot join: expected a world size of 4, got 3; start the client with 4, or without a world size",
      ],
    );
  }
  const { rank, token } = registry.claim("old", { ...claim, token: "0".repeat(32) }, () => {});
  assertEquals([rank, token], [1, "0".repeat(32)]);
  assertEquals(registry.claim("new", { identity: "open", worldSize: 4 }, () => {}).rank, 2);
});

// Keys

/** Claim of a key's holder. */
function holder(name: string, claim: Partial<Claim> = {}, rights: Partial<KeyRights> = {}): Claim {
  return {
    identity: `ed25519:${name}`,
    key: { seats: 1, isReserved: () => false, ...rights },
    ...claim,
  };
}

/** Lets a client join, and returns its rank and token. */
function joinAs(
  registry: RankRegistry<string>,
  member: string,
  claim: Claim,
): { rank: number; token: string } {
  const given = registry.claim(member, claim, () => {});
  registry.assign(given.rank, given.token);
  return given;
}

function faultOf(action: () => unknown): string {
  return assertThrows(action, ProtocolError).fault;
}

/** Returns the registry as restored from a checkpoint. */
function throughJson(saved: SavedRanks): SavedRanks {
  return JSON.parse(JSON.stringify(saved));
}

Deno.test("RankRegistry reserves the rank of a key whose client is connected, away, dropped or has left", () => {
  const registry = new RankRegistry<string>(4);
  const { rank, token } = joinAs(registry, "a", holder("A", { rank: 2 }));
  const others = () => {
    assertEquals(faultOf(() => registry.claim("b", holder("B", { rank }), () => {})), "rank-taken");
    assertEquals(joinAs(registry, "c", holder("C")).rank, 1);
    assert(registry.leave(1, "c"));
    assertEquals(
      registry.revoke((identity) => identity.endsWith("C") ? "gone" : undefined).length,
      1,
    );
  };
  others();
  assertEquals(
    faultOf(() => registry.claim("b", holder("B", { token }), () => {})),
    "not-authorized",
  );
  assert(registry.disconnect(rank, "a", 60, () => {}));
  assertEquals(
    faultOf(() => registry.claim("b", holder("B", { token }), () => {})),
    "not-authorized",
  );
  others();
  registry.forget(rank);
  others();
  assertEquals(joinAs(registry, "a2", holder("A")).rank, rank, "its own, without a token");
  assert(registry.leave(rank, "a2"));
  others();
  registry.close();
});

Deno.test("RankRegistry gives a key its allowed number of ranks, and its own ranks when it returns", () => {
  const registry = new RankRegistry<string>(5);
  assertEquals(joinAs(registry, "a", holder("A", { rank: 3 })).rank, 3);
  assertEquals(
    faultOf(() => registry.claim("b", holder("A", { rank: 1 }), () => {})),
    "not-authorized",
  );
  assertEquals(registry.predecessor(holder("A")), "a");
  assertEquals(registry.predecessor(holder("A", { rank: 3 })), "a");
  assertEquals(registry.predecessor(holder("B")), undefined);

  const two = { seats: 2 };
  assertEquals(joinAs(registry, "a2", holder("A", {}, two)).rank, 1);
  assertEquals(
    faultOf(() => registry.claim("b", holder("A", { rank: 2 }, two), () => {})),
    "not-authorized",
  );
  assert(registry.disconnect(3, "a", 60, () => {}));
  assertEquals(registry.predecessor(holder("A", {}, two)), undefined);
  assertEquals(joinAs(registry, "a3", holder("A", {}, two)).rank, 3, "the one that nobody sits on");
  registry.close();
});

Deno.test("RankRegistry counts the ranks for which a key is registering", () => {
  const registry = new RankRegistry<string>(5);
  const { rank } = registry.claim("a", holder("A"), () => {});
  assertEquals(registry.predecessor(holder("A")), "a");
  assertEquals(
    faultOf(() => registry.claim("b", holder("A", { rank: 3 }), () => {})),
    "not-authorized",
  );
  assertEquals(faultOf(() => registry.claim("c", holder("C", { rank }), () => {})), "rank-taken");
  registry.cancel(rank, "a", 1, () => {});
  assertEquals(joinAs(registry, "c", holder("C", { rank })).rank, rank, "nobody had sat down");
});

Deno.test("RankRegistry follows the ranks that the list gives to keys", () => {
  const registry = new RankRegistry<string>(4);
  const isReserved = (rank: number) => rank === 1;
  assertEquals(joinAs(registry, "b", holder("B", {}, { isReserved })).rank, 2);
  assertEquals(
    faultOf(() => registry.claim("c", holder("C", { rank: 1 }, { isReserved }), () => {})),
    "not-authorized",
  );
  assertEquals(
    faultOf(() => registry.claim("a", holder("A", { rank: 3 }, { rank: 1 }), () => {})),
    "not-authorized",
  );
  assertEquals(joinAs(registry, "a", holder("A", {}, { rank: 1 })).rank, 1);
});

Deno.test("RankRegistry knows the owner of each rank after a resume: a thousand attempts with other keys and tokens fail", () => {
  const before = new RankRegistry<string>(4);
  const given = ["A", "B", "C"].map((name) => joinAs(before, name, holder(name)));
  // One client is away, another has left.
  before.disconnect(1, "A", 60, () => {});
  before.leave(2, "B");
  before.close();
  const registry = new RankRegistry<string>(4, throughJson(before.saved));
  assertEquals(registry.away, [1, 3]);
  for (let n = 0; n < 1000; n++) {
    const rank = n % 4;
    const { token } = given[n % 3] ?? {};
    const claim = holder(`stranger ${n % 7}`, {
      ...(rank > 0 && { rank }),
      ...(n % 2 > 0 && token !== undefined && { token }),
    });
    const fault = faultOf(() => registry.claim("x", claim, () => {}));
    assert(["rank-taken", "not-authorized", "group-full"].includes(fault), fault);
  }
  assertEquals(
    given.map(({ rank }) => joinAs(registry, `${rank}`, holder("ABC"[rank - 1] ?? "")).rank),
    [1, 2, 3],
  );
});

Deno.test("RankRegistry reads a checkpoint without identities, and then binds each rank to the first key", () => {
  const registry = new RankRegistry<string>(3, throughJson({ tokens: [[1, "one"], [2, "two"]] }));
  assertEquals(joinAs(registry, "a", holder("A", { token: "one" })).rank, 1);
  assertEquals(joinAs(registry, "b", holder("B", { rank: 2 })).rank, 2);
  assertEquals(
    registry.predecessor(holder("A", { token: "two" })),
    "a",
    "a token that was replaced is none",
  );
  const again = new RankRegistry<string>(3, throughJson(registry.saved));
  assertEquals(
    faultOf(() => again.claim("x", holder("X", { token: "one" }), () => {})),
    "not-authorized",
  );
  assertEquals(faultOf(() => again.claim("x", holder("B", { rank: 1 }), () => {})), "rank-taken");
});

Deno.test("RankRegistry.revoke() frees the ranks of a key and drops their clients", () => {
  const registry = new RankRegistry<string>(3);
  const { token } = joinAs(registry, "a", holder("A"));
  joinAs(registry, "b", holder("B"));
  assertEquals(
    registry.revoke((identity, rank) => identity === "ed25519:A" ? `off ${rank}` : undefined),
    [{ rank: 1, reason: "off 1", wasTaken: true }],
  );
  assertEquals([registry.rankOf(token), registry.group.get(1), registry.ranks], [
    undefined,
    undefined,
    [2],
  ]);
  assertEquals(registry.disconnect(1, "a", 1, () => {}), false);
  assertEquals(joinAs(registry, "c", holder("C", { token })).rank, 1);
});

Deno.test("RankRegistry of an open server assigns free ranks, also after a run with keys", () => {
  const before = new RankRegistry<string>(3);
  joinAs(before, "a", holder("A"));
  const registry = new RankRegistry<string>(3, throughJson(before.saved));
  const { rank } = joinAs(registry, "x", { identity: "open", rank: 1 });
  assert(registry.leave(rank, "x"));
  assertEquals(joinAs(registry, "y", { identity: "open", rank: 1 }).rank, 1);
});
