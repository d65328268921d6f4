import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import type { Rank } from "../../mod.ts";
import { FedAvg, parseSelection } from "../../mod.ts";
import { Random } from "../../src/base/random.ts";
import { KnownClients } from "../../src/round/handler/known_clients.ts";
import { CohortSelector } from "../../src/round/selection/cohort_selector.ts";
import { markOrdered, membership, without } from "../../src/round/selection/ranks.ts";
import type { KnownClient, SelectionContext } from "../../src/round/mod.ts";

const ranksTo = (count: number): Rank[] => Array.from({ length: count }, (_, i) => i + 1);

/** The first `count` items of a shuffle from the front, on a copy of all items. */
function shuffledStart<T>(random: Random, items: readonly T[], count: number): T[] {
  const pool = [...items];
  for (let i = 0; i < count; i++) {
    const j = i + random.below(pool.length - i);
    [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
  }
  return pool.slice(0, count);
}

/** Ranks by weights: the least of `-ln(u) / w`, by a sort of all. */
function byWeight(
  { seed, round, attempt, available }: SelectionContext,
  count: number,
  weightOf: (rank: Rank) => number,
): Rank[] {
  const random = new Random(seed, "cohort", { round, rank: attempt });
  return available.map((rank) => ({ rank, key: -Math.log(1 - random.uniform()) / weightOf(rank) }))
    .sort((a, b) => a.key - b.key).slice(0, count).map(({ rank }) => rank);
}

Deno.test("Random.sample() draws what a shuffle of all items draws, whatever their number", () => {
  let compared = 0;
  for (const length of [1, 2, 3, 10, 31, 32, 33, 100, 1000]) {
    for (const count of [0, 1, 2, 3, 5, 10, 62, 63, 99, 100, 500, 1000]) {
      if (count > length) continue;
      for (let seed = 0; seed < 40; seed++) {
        const items = ranksTo(length).map((rank) => `client ${rank}`);
        const drawn = new Random(seed, "cohort", { round: count }).sample(items, count);
        const random = new Random(seed, "cohort", { round: count });
        assertEquals(drawn, shuffledStart(random, items, count));
        compared++;
      }
    }
  }
  assertEquals(compared, 2200);
});

Deno.test("Random.sample() of a million items reads as many of them as it draws", () => {
  let reads = 0;
  const items = new Proxy(ranksTo(10), {
    get: (target, name) => {
      if (name === "length") return 1_000_000;
      reads++;
      return Reflect.get(target, name);
    },
  });
  new Random(1, "cohort").sample(items, 100);
  assertEquals(reads >= 100 && reads <= 200, true, `${reads} reads`);
});

Deno.test("selections by keys choose the cohorts of a sort of all clients", () => {
  const known = new Map<Rank, KnownClient>();
  for (const rank of ranksTo(60)) {
    if (rank % 7 === 0) continue;
    const numSamples = 1 + rank % 5, lastRound = rank % 4;
    known.set(rank, { numSamples, answered: rank % 3, dropped: rank % 2, lastRound });
  }
  const samplesOf = (rank: Rank) => known.get(rank)?.numSamples;
  for (let round = 1; round <= 60; round++) {
    const available = ranksTo(60).filter((rank) => rank % (2 + round % 5) !== 0);
    const count = 1 + round % 20;
    const context = { round, attempt: round % 3, available, count, numClients: 60, seed: 9, known };
    const select = (name: string) => parseSelection(name).select(context);
    const told = available.flatMap((rank) => samplesOf(rank) ?? []);
    const mean = told.reduce((sum, n) => sum + n, 0) / told.length;
    assertEquals(
      select("samples"),
      byWeight(context, count, (rank) => samplesOf(rank) ?? mean),
    );
    assertEquals(
      select("availability"),
      byWeight(context, count, (rank) => {
        const { answered = 0, dropped = 0 } = known.get(rank) ?? {};
        return Math.max(0.1, (answered + 1) / (answered + dropped + 1));
      }),
    );
    const last = (rank: Rank) => known.get(rank)?.lastRound ?? 0;
    assertEquals(
      select("round-robin"),
      [...available].sort((a, b) => last(a) - last(b) || a - b).slice(0, count),
    );
  }
});

Deno.test("CohortSelector copies the list of a million ranks only for a policy that looks at it", () => {
  const ranks = ranksTo(1_000_000);
  const available = markOrdered(ranks);
  const known = new Map<Rank, KnownClient>();
  const base = { round: 3, attempt: 0, available, numClients: 1_000_000, seed: 1, known };
  const uniform = new CohortSelector({ fraction: 1e-4 }, new FedAvg());
  const random = new Random(1, "cohort", { round: 3, rank: 0 });
  assertEquals(
    uniform.select(base),
    shuffledStart(random, ranks, 100).sort((a, b) => a - b),
  );
  let given: readonly Rank[] = [];
  const own = {
    name: "own",
    select(context: SelectionContext) {
      given = context.available;
      // As a program that is not checked by types may do.
      (given as Rank[]).reverse();
      return given.slice(0, 2);
    },
  };
  const selector = new CohortSelector({ fraction: 1e-4, selection: own }, new FedAvg());
  assertEquals(selector.select(base), [999_999, 1_000_000]);
  assertEquals(given.length, 1_000_000);
  assertEquals([available[0], available.at(-1)], [1, 1_000_000]);
});

Deno.test("CohortSelector gives a policy that passes its context on what it has changed in it", () => {
  const uniform = parseSelection("uniform");
  const even = {
    name: "even",
    select: (context: SelectionContext) =>
      uniform.select({ ...context, available: context.available.filter((rank) => rank % 2 === 0) }),
  };
  const selector = new CohortSelector({ fraction: 0.25, selection: even }, new FedAvg());
  const base = { attempt: 0, available: ranksTo(20), numClients: 20, seed: 1, known: new Map() };
  for (const round of ranksTo(20)) {
    const cohort = selector.select({ ...base, round });
    assertEquals(cohort.filter((rank) => rank % 2 === 1), []);
    assertEquals(cohort.length, 5);
  }
});

Deno.test("CohortSelector refuses ranks that are not there, twice, or no ranks", () => {
  for (const cohort of [[], [2, 2], [4], [1, 2, 3], [NaN], [1.5]]) {
    const selection = { name: "bad", select: () => cohort };
    const selector = new CohortSelector({ fraction: 0.5, selection }, new FedAvg());
    const base = { round: 1, attempt: 0, available: [3, 1, 2], numClients: 4, seed: 1 };
    assertThrows(() => selector.select({ ...base, known: new Map() }), RangeError, "bad to choose");
  }
});

Deno.test("without() and membership() are the same for lists in order, long cuts, and other lists", () => {
  const random = new Random(5, "test");
  for (let i = 0; i < 200; i++) {
    const length = 1 + random.below(80);
    const ranks = random.shuffle(ranksTo(100)).slice(0, length);
    const others = new Set(random.shuffle(ranksTo(110)).slice(0, random.below(60)));
    const expected = ranks.filter((rank) => !others.has(rank));
    assertEquals([...without(ranks, others)], expected);
    const sorted = [...ranks].sort((a, b) => a - b);
    const rest = without(markOrdered(sorted), others);
    assertEquals([...rest], expected.sort((a, b) => a - b));
    for (const rank of ranksTo(110)) {
      assertEquals(membership(rest)(rank), rest.includes(rank));
      assertEquals(membership(ranks)(rank), ranks.includes(rank));
    }
  }
});

Deno.test("KnownClients is the map in rank order of what joins and updates say, in any order", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed, "test"), known = new KnownClients();
    const expected = new Map<Rank, KnownClient>();
    const of = (rank: Rank) => expected.get(rank) ?? { answered: 0, dropped: 0, lastRound: 0 };
    for (let step = 1; step <= 300; step++) {
      const rank = 1 + random.below(seed % 2 === 0 ? 40 : 200);
      const numSamples = 1 + random.below(9);
      if (random.below(3) > 0) {
        const next = random.below(2) === 0 ? rank : expected.size + 1;
        known.addJoin(next, numSamples);
        expected.set(next, { ...of(next), numSamples });
      } else {
        known.addUpdate(rank, { round: step, loss: step });
        const { answered, dropped, numSamples } = of(rank);
        expected.set(rank, {
          ...{ answered: answered + 1, dropped, lastRound: step },
          ...(numSamples !== undefined && { numSamples }),
          loss: step,
        });
      }
    }
    const sorted = [...expected].sort(([a], [b]) => a - b);
    assertEquals([...known.all], sorted);
    assertEquals(known.all.size, sorted.length);
    assertEquals([...known.all.keys()], sorted.map(([rank]) => rank));
    for (const rank of [0, 1.5, -1, ...ranksTo(210)]) {
      assertEquals(known.all.get(rank), expected.get(rank));
      assertEquals(known.all.has(rank), expected.has(rank));
    }
    const restored = new KnownClients();
    restored.restore(JSON.parse(JSON.stringify(known.save())));
    assertEquals([...restored.all], sorted);
  }
});

Deno.test("KnownClients of many clients are saved as numbers of samples and what else is known", () => {
  const known = new KnownClients();
  for (const rank of ranksTo(5000)) known.addJoin(rank, rank % 3 === 0 ? 2 ** 40 : rank);
  known.addUpdate(7, { round: 1, loss: 0.5, norm: 2, work: 3 });
  known.addMiss(9, 1, true);
  known.addJoin(9000, 4);
  const saved = JSON.parse(JSON.stringify(known.save()));
  assertEquals(saved.clients.map(([rank]: [Rank]) => rank), [7, 9, 9000]);
  const restored = new KnownClients();
  restored.restore(saved);
  assertEquals([...restored.all], [...known.all]);
  assertEquals(restored.paused(2), [9]);
  // The form of few clients, which is also that of earlier versions.
  const former = new KnownClients();
  former.restore([...known.all]);
  assertEquals([...former.all], [...known.all]);
  for (
    const samples of [5, "not base64!", "AAAA", btoa("\0".repeat(8)), btoa("\xff".repeat(8))]
  ) {
    assertThrows(() => restored.restore({ clients: [], samples }), TypeError, "what is known");
  }
  assertThrows(() => restored.restore({ clients: 3, samples: "" }), TypeError, "what is known");
});
