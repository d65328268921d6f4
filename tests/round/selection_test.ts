import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  type ClientSelection,
  CoordinateMedian,
  FedAvgM,
  NormClipping,
  parseSelection,
  parseStrategy,
  Random,
  type Rank,
  type Strategy,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import {
  AvailabilitySelection,
  type KnownClient,
  PowerOfChoiceSelection,
  RoundRobinSelection,
  SamplesSelection,
  SELECTION_NAMES,
  type SelectionContext,
} from "../../src/round/mod.ts";
import { withLeastKeys } from "../../src/round/selection/draw.ts";
import { STRATEGY_NAMES } from "../../src/strategy/mod.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ranksTo = (count: number): Rank[] => Array.from({ length: count }, (_, i) => i + 1);

/** Knowledge about ranks 1, 2, …, with defaults for what does not matter. */
function known(...clients: Partial<KnownClient>[]): Map<Rank, KnownClient> {
  return new Map(
    clients.map((one, i) => [i + 1, { answered: 0, dropped: 0, lastRound: 0, ...one }]),
  );
}

function context(given: Partial<SelectionContext>): SelectionContext {
  const { available = ranksTo(4) } = given;
  const rest = { round: 1, attempt: 0, count: 1, seed: 3, known: new Map() };
  return { ...rest, numClients: available.length, ...given, available };
}

/** Counts how often each cohort is selected in a number of rounds. */
function tally(
  selection: ClientSelection,
  rounds: number,
  given: Partial<SelectionContext>,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (let round = 1; round <= rounds; round++) {
    const cohort = selection.select(context({ ...given, round })).sort((a, b) => a - b).join();
    counts.set(cohort, (counts.get(cohort) ?? 0) + 1);
  }
  return counts;
}

/** Throws unless the counts agree with these probabilities, by a χ² test at the 0.0001 level. */
function assertDistributed(
  counts: ReadonlyMap<string, number>,
  probabilities: Readonly<Record<string, number>>,
): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count);
  const cells = Object.entries(probabilities);
  const possible = cells.filter(([, probability]) => probability > 0);
  assertEquals([...counts.keys()].sort(), possible.map(([cohort]) => cohort).sort());
  const squares = possible.map(([cohort, probability]) =>
    ((counts.get(cohort) ?? 0) - total * probability) ** 2 / (total * probability)
  );
  const statistic = squares.reduce((sum, square) => sum + square);
  // The 0.9999 quantile by Wilson and Hilferty 1931: a χ² of k degrees is near
  // k (1 - 2/(9k) + z √(2/(9k)))³.
  const degrees = possible.length - 1, z = 3.719;
  const bound = degrees * (1 - 2 / (9 * degrees) + z * Math.sqrt(2 / (9 * degrees))) ** 3;
  assert(statistic < bound, `χ² is ${statistic}, above ${bound}`);
}

/** Probabilities of the pairs that two draws without replacement give. */
function pairProbabilities(weights: readonly number[]): Record<string, number> {
  const sum = weights.reduce((a, b) => a + b);
  const pairs: Record<string, number> = {};
  weights.forEach((a, i) =>
    weights.slice(i + 1).forEach((b, k) => {
      pairs[`${i + 1},${i + k + 2}`] = a / sum * b / (sum - a) + b / sum * a / (sum - b);
    })
  );
  return pairs;
}

function handlerFor(
  options: Partial<SyncParameterServerHandlerOptions>,
): SyncParameterServerHandler {
  const manifest = vectorManifest(1);
  return new SyncParameterServerHandler({ manifest, parameters: new Float32Array(1), ...options });
}

Deno.test("SyncParameterServerHandler chooses by default the cohorts that it always chose", () => {
  const ten = handlerFor({ fraction: 0.3, seed: 0 });
  assertEquals(ten.selectClients(1, ranksTo(10), 10), [1, 3, 7]);
  assertEquals(ten.selectClients(2, ranksTo(10), 10), [6, 8, 10]);
  assertEquals(ten.selectClients(2, ranksTo(10), 10, 1), [2, 3, 8]);
  const hundred = handlerFor({ fraction: 0.1, seed: 1234 });
  assertEquals(
    hundred.selectClients(7, ranksTo(100), 100),
    [4, 7, 15, 26, 45, 46, 69, 80, 81, 85],
  );
  const more = handlerFor({ fraction: 0.2, overSelection: 0.5, seed: 42 });
  assertEquals(more.selectClients(3, [9, 7, 5, 3, 1, 2], 10), [1, 2, 7]);
});

Deno.test("every selection gives `count` different ranks that are there, the same for the same round, over-selection or not", () => {
  for (const name of SELECTION_NAMES) {
    const some = known({ numSamples: 5, loss: 1, answered: 1, lastRound: 1 }, { dropped: 2 });
    const cohorts = (seed: number) =>
      ranksTo(20).map((round) => {
        const given = context({ round, seed, count: 3, available: [1, 2, 4, 7, 9], known: some });
        const cohort = parseSelection(name).select(given);
        assertEquals(new Set(cohort).size, 3);
        assert(cohort.every((rank) => given.available.includes(rank)));
        return cohort;
      });
    assertEquals(cohorts(1), cohorts(1));
    if (name !== "round-robin") {
      assertNotEquals(cohorts(1), cohorts(2));
      const again = context({ attempt: 1, count: 4, available: ranksTo(40) });
      const first = { ...again, attempt: 0 };
      assertNotEquals(parseSelection(name).select(again), parseSelection(name).select(first));
    }
    const handler = handlerFor({
      fraction: 0.4,
      overSelection: 0.5,
      selection: parseSelection(name),
    });
    assertEquals(handler.selectClients(1, ranksTo(10), 10).length, 6);
    assertEquals(handler.selectClients(1, [8, 2, 5], 10), [2, 5, 8]);
  }
});

Deno.test("uniform selection makes all cohorts equally likely", () => {
  const pairs = pairProbabilities([1, 1, 1, 1]);
  assertDistributed(tally(parseSelection("uniform"), 6000, { count: 2 }), pairs);
});

Deno.test("SamplesSelection draws without putting back, in proportion to the numbers of samples", () => {
  const weights = [1, 2, 3, 10];
  const clients = known(...weights.map((numSamples) => ({ numSamples })));
  const counts = (count: number) => tally(new SamplesSelection(), 8000, { count, known: clients });
  assertDistributed(counts(1), { "1": 1 / 16, "2": 2 / 16, "3": 3 / 16, "4": 10 / 16 });
  assertDistributed(counts(2), pairProbabilities(weights));
  assertDistributed(
    tally(new SamplesSelection(), 8000, { count: 2 }),
    pairProbabilities([1, 1, 1, 1]),
  );
});

Deno.test("SamplesSelection counts a client that has not said its number as the mean of the others", () => {
  const clients = known({ numSamples: 2 }, {}, { numSamples: 6 });
  const given = { available: [1, 2, 3], known: clients };
  assertDistributed(
    tally(new SamplesSelection(), 8000, given),
    { "1": 2 / 12, "2": 4 / 12, "3": 6 / 12 },
  );
});

Deno.test("AvailabilitySelection draws by the share of rounds answered, down to its floor", () => {
  const clients = known(
    {},
    { answered: 9, dropped: 10 },
    { answered: 3 },
    { dropped: 99 },
  );
  const counts = (floor?: number) => {
    const selection = new AvailabilitySelection(floor === undefined ? {} : { floor });
    return tally(selection, 8000, { count: 2, known: clients });
  };
  assertDistributed(counts(), pairProbabilities([1, 0.5, 1, 0.1]));
  assertDistributed(counts(0.6), pairProbabilities([1, 0.6, 1, 0.6]));
});

Deno.test("PowerOfChoiceSelection takes the worst of its candidates, who are drawn by samples", () => {
  const losses = [0.3, 2, 0.1, 1];
  const alike = known(...losses.map((loss) => ({ loss })));
  // Of the six pairs of candidates, three contain the worst, two others the second worst, and one
  // more the third.
  assertDistributed(
    tally(new PowerOfChoiceSelection({ d: 2 }), 6000, { known: alike }),
    { "2": 3 / 6, "4": 2 / 6, "1": 1 / 6, "3": 0 },
  );
  // With different numbers of samples the pairs have different weights.
  const weights = [1, 2, 3, 10];
  const uneven = known(...losses.map((loss, i) => ({ loss, numSamples: weights[i] ?? 0 })));
  const pairs = pairProbabilities(weights);
  const sum = (...keys: string[]) => keys.reduce((total, key) => total + (pairs[key] ?? NaN), 0);
  assertDistributed(
    tally(new PowerOfChoiceSelection(), 6000, { known: uneven }),
    { "2": sum("1,2", "2,3", "2,4"), "4": sum("1,4", "3,4"), "1": sum("1,3"), "3": 0 },
  );
  // With all clients as candidates, nothing is random.
  const all = context({ known: uneven, count: 2 });
  assertEquals(new PowerOfChoiceSelection({ d: 20 }).select(all), [2, 4]);
  // With as many candidates as places, the losses do not matter.
  const few = tally(new PowerOfChoiceSelection({ d: 1 }), 6000, { count: 2, known: uneven });
  assertDistributed(few, pairs);
});

Deno.test("PowerOfChoiceSelection takes clients first whose loss is unknown, each as likely as it was a candidate", () => {
  const clients = known({ loss: 1e9 }, {}, { loss: 5 }, {});
  const worst = (count: number) =>
    tally(new PowerOfChoiceSelection({ d: 4 }), 4000, { count, known: clients });
  assertDistributed(worst(1), { "2": 0.5, "4": 0.5 });
  assertEquals([...worst(3).keys()], ["1,2,4"]);
});

/** Runs rounds of a handler whose clients all answer but those in `silent`. */
function rotate(
  handler: SyncParameterServerHandler,
  rounds: readonly (readonly Rank[])[],
  silent: readonly Rank[] = [],
): Rank[][] {
  return rounds.map((available, i) => {
    const round = i + 1;
    const cohort = handler.selectClients(round, available, 6);
    handler.beginRound(round, 6);
    for (const rank of cohort) {
      if (silent.includes(rank)) handler.onDrop(rank, round);
      else handler.onReceive(rank, { round, numSamples: 1, parameters: new Float32Array(1) });
    }
    handler.updateModel();
    return cohort;
  });
}

Deno.test("RoundRobinSelection takes each client once before any twice, also when some are away", () => {
  const six = ranksTo(6);
  const make = (fraction: number) => handlerFor({ fraction, selection: new RoundRobinSelection() });
  assertEquals(rotate(make(1 / 3), [six, six, six, six]), [[1, 2], [3, 4], [5, 6], [1, 2]]);
  // A client that does not answer has had its turn.
  assertEquals(rotate(make(1 / 3), [six, six, six, six], [2, 5]), [[1, 2], [3, 4], [5, 6], [1, 2]]);
  assertEquals(
    rotate(make(2 / 3), [six, six, six]),
    [[1, 2, 3, 4], [1, 2, 5, 6], [1, 2, 3, 4]],
  );
  // Rank 1 is away for two rounds, and comes first, once, when it returns.
  const without = ranksTo(6).slice(1);
  assertEquals(
    rotate(make(1 / 3), [without, without, six, six, six]),
    [[2, 3], [4, 5], [1, 6], [2, 3], [4, 5]],
  );
});

Deno.test("RoundRobinSelection chooses nobody twice while another that was there waits, whoever comes and goes", () => {
  const handler = handlerFor({ fraction: 0.5, selection: new RoundRobinSelection() });
  const absent = [[1], [2, 3], [], [4], [1, 2, 6], [5], [3], [], [6], [2], [], [1, 5]];
  const there = absent.map((away) => ranksTo(6).filter((rank) => !away.includes(rank)));
  const cohorts = rotate(handler, there);
  for (const one of ranksTo(6)) {
    const turns = cohorts.flatMap((cohort, i) => cohort.includes(one) ? [i] : []);
    turns.slice(1).forEach((turn, k) => {
      const between = [...cohorts.keys()].slice(turns[k], turn + 1);
      for (const other of ranksTo(6)) {
        if (!between.every((i) => there[i]?.includes(other))) continue;
        assert(between.some((i) => cohorts[i]?.includes(other)), `${other} waited for ${one}`);
      }
    });
  }
});

Deno.test("SyncParameterServerHandler knows of each client what it said and how often it answered", () => {
  const handler = handlerFor({});
  handler.onJoin(1, 20);
  handler.onJoin(2, 30);
  handler.beginRound(4, 2);
  const parameters = new Float32Array(1);
  handler.onReceive(1, { round: 4, numSamples: 21, loss: 0.5, parameters });
  handler.onDrop(2, 4);
  handler.updateModel();
  handler.beginRound(5, 2);
  handler.onReceive(1, { round: 5, numSamples: 21, parameters });
  handler.onJoin(2, 31);
  assertEquals([...handler.known], [
    [1, { numSamples: 21, loss: 0.5, answered: 2, dropped: 0, lastRound: 5 }],
    [2, { numSamples: 31, answered: 0, dropped: 1, lastRound: 4, misses: 1 }],
  ]);
});

Deno.test("SyncParameterServerHandler refuses a selection's cohort that is none", () => {
  const select = (cohort: Rank[]) => () =>
    handlerFor({ fraction: 0.5, selection: { name: "mine", select: () => cohort } })
      .selectClients(3, [1, 2, 5, 6], 4);
  for (const cohort of [[], [4], [1, 1], [1, 2, 5]]) {
    assertThrows(
      select(cohort),
      RangeError,
      `Cannot begin round 3: expected mine to choose 1 to 2 different ranks that are there, got ${
        cohort.join(", ") || "none"
      }`,
    );
  }
  assertEquals(select([6, 2])(), [2, 6]);
});

Deno.test("parseSelection() makes what it is asked for, and says what it expected", () => {
  for (const name of SELECTION_NAMES) assertEquals(parseSelection(name).name, name);
  assertEquals((parseSelection("power-of-choice:d=20") as PowerOfChoiceSelection).d, 20);
  assertEquals((parseSelection("availability: floor=0.5") as AvailabilitySelection).floor, 0.5);
  const error = (text: string, kind: ErrorConstructor, message: string) =>
    assertThrows(() => parseSelection(text), kind, message);
  error("best", RangeError, `expected one of ${SELECTION_NAMES.join(", ")}, got best`);
  error("constructor", RangeError, "got constructor");
  error("uniform:d=2", RangeError, "Cannot make uniform: expected no options, got d");
  error("power-of-choice:k=2", RangeError, "expected one of the options d, got k");
  error("power-of-choice:d=x", RangeError, "expected d to be a number, got x");
  error("power-of-choice:d=0", RangeError, "expected d to be a whole number from 1, got 0");
  error("power-of-choice:d=2.5", RangeError, "expected d to be a whole number from 1, got 2.5");
  error("availability:floor=0", RangeError, "expected floor to be a number above 0 and below 1");
  error("samples:", SyntaxError, "Cannot read the selection samples:: expected name");
});

Deno.test("over-selection is refused for strategies that need few hostile clients among those chosen", () => {
  const parts = {
    manifest: vectorManifest(1),
    parameters: new Float32Array(1),
    overSelection: 0.5,
  };
  const robust = STRATEGY_NAMES.map((name) => parse(name))
    .filter((strategy) => strategy?.needsHonestMajority);
  assert(robust.length >= 6, `${robust.length}`);
  for (const strategy of [...robust, new FedAvgM({ mean: new CoordinateMedian() })]) {
    assertThrows(
      () => new SyncParameterServerHandler({ ...parts, ...(strategy && { strategy }) }),
      RangeError,
      "does not go with over-selection",
    );
  }
  new SyncParameterServerHandler({ ...parts, strategy: new NormClipping({ bound: 1 }) });
});

/** A strategy by its name; `undefined` for one that takes settings. */
function parse(name: string): Strategy | undefined {
  try {
    return parseStrategy(name);
  } catch {
    return undefined;
  }
}

Deno.test("power-of-choice takes a client that shares no loss for an average one", () => {
  const clients = known(
    { answered: 1, loss: 4, numSamples: 1 },
    { answered: 2, numSamples: 1 },
    { answered: 1, loss: 1, numSamples: 1 },
    { numSamples: 1 },
  );
  const order = (count: number) =>
    new PowerOfChoiceSelection({ d: 4 }).select(context({ count, known: clients }));
  // The client that was never heard comes first, and the one without a loss has the mean of 2.5.
  assertEquals([1, 2, 3, 4].map((count) => order(count).at(-1)), [4, 1, 2, 3]);
});

Deno.test("withLeastKeys() gives the least keys as a sort does, whatever their order and ties", () => {
  const random = new Random(2, "test");
  const kinds: ((i: number) => number)[] = [
    () => random.uniform(),
    () => random.below(3),
    (i) => i,
    (i) => -i,
    (i) => Math.abs(i - 20),
    () => [Infinity, -Infinity, 0, -0][random.below(4)] ?? 0,
    () => 0,
  ];
  for (const kind of kinds) {
    for (const length of [0, 1, 2, 3, 8, 50]) {
      const ranks = Array.from({ length }, (_, i) => 2 * i + 1);
      const keys = Float64Array.from(ranks, (_, i) => kind(i));
      const places = ranks.map((_, i) => i).sort((a, b) => {
        const [x = 0, y = 0] = [keys[a], keys[b]];
        return x < y ? -1 : x > y ? 1 : a - b;
      });
      for (let count = 0; count <= length + 1; count++) {
        const expected = places.slice(0, count).map((place) => ranks[place] ?? 0);
        assertEquals(withLeastKeys(ranks, keys, count), expected, `${kind}, ${count} of ${length}`);
      }
    }
  }
});
