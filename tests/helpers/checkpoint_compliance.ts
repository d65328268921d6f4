import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  type Checkpoints,
  type CheckpointStoreOptions,
  Manifest,
} from "../../mod.ts";
import { checkpointOf } from "../fixtures/checkpoint_writer.ts";

const MANIFEST = Manifest.of([
  { name: "dense/kernel", shape: [3, 4] },
  { name: "bn/moving_mean", shape: [4], trainable: false },
  { name: "größe", shape: [] },
]);

/** A small checkpoint. */
export function checkpoint(round: number, more: Partial<Checkpoint> = {}): Checkpoint {
  const parameters = new Float32Array(MANIFEST.length).fill(round);
  return { manifest: MANIFEST, parameters, round, state: { seed: 7, round }, ...more };
}

/** Asserts that a message is one line, with these parts in it. */
export function assertOneLine(message: string, ...parts: string[]): void {
  assertMatch(message, /^[A-Z][^\n]*[^.\n]$/);
  for (const part of parts) assertStringIncludes(message, part);
}

function bitsOf({ parameters }: Pick<Checkpoint, "parameters">): number[] {
  return [...new Uint32Array(parameters.buffer, parameters.byteOffset, parameters.length)];
}

/** A place where checkpoints are kept. */
export interface Place {
  /** Opens it, as a process does that has just begun. */
  open(options?: CheckpointStoreOptions): Checkpoints;
  /** The rounds of which something is there, in order. */
  rounds(): Promise<number[]>;
  /** What the checkpoint of a round is called. */
  pathOf(round: number): string;
  /** Alters the last byte of a round's checkpoint. */
  alter(round: number): Promise<void>;
  /** Alters the last byte of the history. */
  alterHistory(): Promise<void>;
}

/** What there is to tell of some rounds. */
export function historyOf(rounds: number, more: Record<string, unknown> = {}): unknown[] {
  return Array.from(
    { length: rounds },
    (_, i) => ({ round: i + 1, text: "ü\n\u2028".repeat(i + 1), ...more }),
  );
}

/** What every store of checkpoints has to do; `within` runs a test in an empty place. */
export function checkpointCompliance(
  name: string,
  within: (test: (place: Place) => Promise<void>) => Promise<void>,
): void {
  const test = (claim: string, body: (place: Place) => Promise<void>) =>
    Deno.test(`${name} ${claim}`, () => within(body));

  test("gives back what was saved, bit for bit", async (place) => {
    const bits = new Uint32Array(MANIFEST.length);
    // A quiet and a signalling NaN with payloads, -0, the infinities, the smallest subnormal.
    bits.set([0x7FC12345, 0x7F812345, 0x80000000, 0x7F800000, 0xFF800000, 1]);
    const saved = checkpoint(12, {
      parameters: new Float32Array(bits.buffer),
      state: { seed: 7, tokens: [[1, 'ü\n"\\\u2028']], nested: { none: null, "__proto__x": [] } },
      score: -1 / 3,
    });
    const store = place.open();
    assertEquals(await store.latest(), undefined);
    assertEquals(await store.best(), undefined);
    assertEquals(await store.save(saved), place.pathOf(12));
    for (const found of [await store.latest(), await place.open().best()]) {
      assert(found !== undefined);
      assertEquals(bitsOf(found), [...bits]);
      assertEquals(found.manifest.tensors, MANIFEST.tensors);
      const { manifest: _m, parameters: _p, ...rest } = found;
      assertEquals(rest, { round: 12, state: saved.state, score: -1 / 3 });
    }
  });

  test("keeps 10 MB that are a part of a larger buffer, and a state of 200 kB", async (place) => {
    const manifest = Manifest.of([{ name: "w", shape: [2_500_000] }]);
    const whole = Float32Array.from({ length: manifest.length + 9 }, (_, i) => i);
    const state = { text: "ü".repeat(100_000) };
    await place.open().save({ manifest, parameters: whole.subarray(5, -4), round: 1, state });
    const found = await place.open().latest();
    assertEquals(found?.parameters.length, manifest.length);
    assert(found?.parameters.every((value, i) => value === i + 5));
    assertEquals(found?.state, state);
  });

  test("keeps the last ones and the best one, also after a restart", async (place) => {
    const scores = [0.1, 0.9, 0.3, 0.9, 0.2, 0.5, 0.4];
    for (const [i, score] of scores.entries()) {
      await place.open({ keep: 2 }).save(checkpoint(i + 1, { score }));
    }
    assertEquals(await place.rounds(), [4, 6, 7]);
    const store = place.open({ keep: 2 });
    assertEquals((await store.best())?.round, 4);
    assertEquals((await store.latest())?.round, 7);
    await store.save(checkpoint(8, { score: 0.95 }));
    await store.save(checkpoint(9, { score: NaN }));
    await store.save(checkpoint(10));
    await store.save(checkpoint(11, { score: -Infinity }));
    assertEquals(await place.rounds(), [8, 10, 11]);
    assertEquals((await store.best())?.round, 8);
  });

  test("keeps three where nothing else is said, and no best one without scores", async (place) => {
    const store = place.open();
    for (let round = 0; round < 6; round++) await store.save(checkpoint(round));
    assertEquals(await place.rounds(), [3, 4, 5]);
    assertEquals(await store.best(), undefined);
  });

  test("goes on from an earlier round: the newest is the one saved last", async (place) => {
    for (const round of [7, 8, 9]) await place.open().save(checkpoint(round));
    const store = place.open({ keep: 2 });
    await store.save(checkpoint(2));
    assertEquals((await store.latest())?.round, 2);
    await store.save(checkpoint(8, { state: { again: true } }));
    assertEquals(await place.rounds(), [2, 8]);
    assertEquals((await store.latest())?.state, { again: true });
  });

  test("passes over an altered one with a warning, and uses the one before", async (place) => {
    const warnings: string[] = [];
    const store = place.open({ onWarning: (message) => warnings.push(message) });
    await store.save(checkpoint(1, { score: 1 }));
    await store.save(checkpoint(2, { score: 2 }));
    await place.alter(2);
    assertEquals((await store.latest())?.round, 1);
    assertEquals((await store.best())?.round, 1);
    assertEquals(warnings.length, 2);
    for (const warning of warnings) {
      assertOneLine(warning, `Cannot read checkpoint ${place.pathOf(2)}: expected the data`);
    }
    await store.save(checkpoint(2));
    assertEquals((await store.latest())?.round, 2);
  });

  test("keeps further vectors beside the model's tensors", async (place) => {
    const vectors = {
      "strategy/momentum": Float32Array.from({ length: MANIFEST.length }, (_, i) => i / 3),
      "strategy/few": new Float32Array([-0, 7]),
      "strategy/none": new Float32Array(),
    };
    await place.open().save(checkpoint(0));
    assertEquals((await place.open().latest())?.vectors, undefined);
    const store = place.open();
    await store.save(checkpoint(1, { vectors }));
    const read = await place.open().latest();
    assertEquals(read?.vectors, vectors);
    assertEquals(read?.parameters, checkpoint(1).parameters);
    assertEquals(await read?.manifest.digest(), await MANIFEST.digest());
    await assertRejects(
      () => store.save(checkpoint(2, { vectors: { "dense/kernel": new Float32Array(1) } })),
      RangeError,
      "stands twice",
    );
  });

  test("keeps a history once, of which each checkpoint has its part", async (place) => {
    const history = historyOf(6);
    for (let round = 1; round <= 3; round++) {
      const own = { score: -round, history: history.slice(0, round) };
      await place.open().save(checkpoint(round, own));
    }
    const store = place.open();
    const live = history.slice(0, 3);
    for (let round = 4; round <= 6; round++) {
      live.push(history[round - 1]);
      await store.save(checkpoint(round, { score: -round, history: live }));
    }
    for (const place_ of [store, place.open()]) {
      assertEquals((await place_.latest())?.history, history);
      assertEquals((await place_.best())?.history, history.slice(0, 1));
    }
    await place.open().save(checkpoint(7, { history: [] }));
    assertEquals((await place.open().latest())?.history, []);
    await place.open().save(checkpoint(8));
    assertEquals((await place.open().latest())?.history, undefined);
  });

  test("goes on from what it has read, and writes anew what is another", async (place) => {
    await place.open().save(checkpoint(3, { history: historyOf(3) }));
    for (const reader of [place.open(), undefined]) {
      const store = reader ?? place.open();
      const history = [...(await (reader ?? place.open()).latest())?.history ?? []];
      // The last one is replaced: its evaluation was still to come.
      history[history.length - 1] = { round: history.length, accuracy: 0.5 };
      await store.save(checkpoint(history.length, { history }));
      assertEquals((await place.open().latest())?.history, history);
      history.push({ round: history.length + 1 });
      await store.save(checkpoint(history.length, { history }));
      assertEquals((await place.open().latest())?.history, history);
    }
    const other = historyOf(2, { another: true });
    await place.open({ keep: 1 }).save(checkpoint(2, { history: other }));
    assertEquals((await place.open().latest())?.history, other);
  });

  test("cuts off what a history has of rounds that are made again", async (place) => {
    const history = historyOf(5);
    const store = place.open({ keep: 5 });
    for (let round = 1; round <= 5; round++) {
      await store.save(checkpoint(round, { history: history.slice(0, round) }));
    }
    await place.alter(5);
    await place.alter(4);
    const again = place.open();
    const resumed = await again.latest();
    assertEquals(resumed?.history, history.slice(0, 3));
    const anew = [...resumed?.history ?? [], { round: 4, anew: true }];
    await again.save(checkpoint(4, { history: anew }));
    assertEquals((await place.open().latest())?.history, anew);
  });

  test("passes over a checkpoint whose history is altered, and uses the one before", async (place) => {
    const warnings: string[] = [];
    const store = place.open({ onWarning: (message) => warnings.push(message) });
    const history: unknown[] = [];
    for (const entry of historyOf(3)) {
      history.push(entry);
      await store.save(checkpoint(history.length, { history, score: history.length }));
    }
    await place.alterHistory();
    for (const found of [await store.latest(), await store.best()]) {
      assertEquals(found?.round, 2);
      assertEquals(found?.history, history.slice(0, 2));
    }
    assertEquals(warnings.length, 2);
    for (const warning of warnings) {
      assertOneLine(warning, `Cannot read checkpoint ${place.pathOf(3)}: expected the history`);
    }
    const error = await assertRejects(
      () => store.save(checkpoint(4, { history: [undefined] })),
      Error,
      "a history that can be written as JSON",
    );
    assertOneLine(error.message);
  });

  test("holds whole checkpoints whatever two of them do at once", async (place) => {
    const stores = [place.open(), place.open()];
    const saves: Promise<string>[] = [];
    for (let i = 0; i < 20; i++) {
      for (const store of stores) saves.push(store.save(checkpointOf(1 + i % 4)));
    }
    // A save may fail that another one's cleaning hit, but only with its own error.
    for (const result of await Promise.allSettled(saves)) {
      if (result.status === "rejected") {
        assertOneLine(result.reason.message, "Cannot save checkpoint");
      }
    }
    const warnings: string[] = [];
    const store = place.open({ onWarning: (message) => warnings.push(message) });
    await store.save(checkpointOf(9));
    const found = await store.latest();
    assert(found !== undefined);
    assertEquals(bitsOf(found), bitsOf(checkpointOf(found.round)));
    assertEquals(warnings, []);
  });

  test("refuses what is no checkpoint with an error of the right kind", async (place) => {
    assertThrows(() => place.open({ keep: 0 }), RangeError, "at least 1, got 0");
    const store = place.open();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const cases: [Checkpoint, typeof TypeError | typeof RangeError, string][] = [
      [checkpoint(-1), RangeError, "a round that is a whole number from 0, got -1"],
      [checkpoint(1.5), RangeError, "got 1.5"],
      [checkpoint(1, { parameters: new Float32Array(2) }), RangeError, "expected 17 values, got 2"],
      [checkpoint(1, { state: circular }), TypeError, "as a JSON object: Converting circular"],
      [checkpoint(1, { state: { big: 1n } }), TypeError, "BigInt"],
      [checkpoint(1, { state: { toJSON: () => "text" } }), TypeError, 'got "text"'],
    ];
    for (const [bad, kind, message] of cases) {
      assertOneLine((await assertRejects(() => store.save(bad), kind, message)).message);
    }
    assertEquals(await store.latest(), undefined);
  });
}
