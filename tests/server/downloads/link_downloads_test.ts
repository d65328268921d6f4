import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import { replaceRuntime, runtime, type Timer } from "../../../src/base/runtime/runtime.ts";
import { type Download, LinkDownloads } from "../../../src/server/downloads/link_downloads.ts";

/** Time that passes only when a test lets it. */
class FakeTime implements Disposable {
  now = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;
  readonly #replaced: Disposable;

  constructor() {
    this.#replaced = replaceRuntime({
      timers: {
        ...runtime.timers,
        setTimeout: (callback, millis = 0) => {
          this.#timers.set(this.#next, { at: this.now + millis, callback });
          return this.#next++ as unknown as Timer;
        },
        clearTimeout: (timer) => void this.#timers.delete(timer as unknown as number),
      },
    });
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Time of the next timer. */
  get next(): number {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at));
  }

  /** Lets the time pass, with all timers. */
  goTo(time: number): void {
    while (this.next <= time) {
      const [id, timer] = [...this.#timers].find(([, { at }]) => at === this.next) ?? [];
      if (id === undefined || timer === undefined) return;
      this.#timers.delete(id);
      this.now = timer.at;
      timer.callback();
    }
    this.now = time;
  }

  [Symbol.dispose](): void {
    this.#replaced[Symbol.dispose]();
  }
}

/** Link on which a download alone takes a time, whether or not the clients share it. */
class FakeLink {
  readonly #time: FakeTime;
  readonly #isShared: boolean;
  readonly #aloneMillis: number;
  readonly #open = new Map<number, { left: number; onEnd: (isSent: boolean) => void }>();
  /** Times at which downloads have begun and ended, by rank. */
  begun: Record<number, number> = {};
  ended: Record<number, number> = {};
  /** Ranks that do not read. */
  readonly stalled = new Set<number>();

  constructor(time: FakeTime, isShared: boolean, aloneMillis: number) {
    this.#time = time;
    this.#isShared = isShared;
    this.#aloneMillis = aloneMillis;
  }

  downloads(ranks: readonly number[]): Download[] {
    return ranks.map((rank) => ({
      rank,
      start: (onEnd) => {
        this.begun[rank] = this.#time.now;
        this.#open.set(rank, { left: this.#aloneMillis, onEnd });
      },
    }));
  }

  /** Begins a round and lets it end; returns its time. */
  round(link: LinkDownloads, ranks: readonly number[]): number {
    const began = this.#time.now;
    this.begun = {};
    this.ended = {};
    link.begin(this.downloads(ranks));
    const moving = () => [...this.#open].filter(([rank]) => !this.stalled.has(rank));
    while (moving().length > 0 || this.#time.timers > 0) {
      const open = moving();
      const rate = this.#isShared ? 1 / open.length : 1;
      const first = Math.min(...open.map(([, { left }]) => left / rate));
      const before = this.#time.now, until = Math.min(before + first, this.#time.next);
      for (const [, download] of open) download.left -= (until - before) * rate;
      this.#time.goTo(until);
      for (const [rank, { left, onEnd }] of open) {
        if (left > 1e-6) continue;
        this.#open.delete(rank);
        this.ended[rank] = this.#time.now;
        onEnd(true);
      }
    }
    const seconds = this.#time.now - began;
    link.clear();
    this.#open.clear();
    return seconds;
  }
}

function fake(isShared: boolean, aloneMillis: number, atOnce?: number) {
  const time = new FakeTime();
  return {
    [Symbol.dispose]: () => time[Symbol.dispose](),
    time,
    link: new FakeLink(time, isShared, aloneMillis),
    downloads: new LinkDownloads({ atOnce, placeMillis: 60_000, now: () => time.now }),
  };
}

const RANKS = [1, 2, 3, 4];

for (const count of [2, 4, 16]) {
  Deno.test(`${count} clients that share a slow link take turns from the second round on`, () => {
    using all = fake(true, 2500);
    const { link, downloads, time } = all;
    const ranks = Array.from({ length: count }, (_, i) => i + 1);
    assertAlmostEquals(link.round(downloads, ranks), 2500 * count);
    assertEquals(new Set(Object.values(link.begun)), new Set([0]));
    for (let round = 2; round < 5; round++) {
      const began = time.now;
      // The last one has the parameters no later than before, and all others earlier.
      assertAlmostEquals(link.round(downloads, ranks), 2500 * count);
      const ends = Object.values(link.ended).map((end) => end - began).sort((a, b) => a - b);
      for (const [i, end] of ends.entries()) assertAlmostEquals(end, 2500 * (i + 1));
    }
    assertEquals(time.timers, 0);
  });

  Deno.test(`${count} clients of one address with links of their own lose a part of one round`, () => {
    using all = fake(false, 4000);
    const { link, downloads } = all;
    const ranks = Array.from({ length: count }, (_, i) => i + 1);
    assertEquals(link.round(downloads, ranks), 4000);
    const waited = Math.max(1.5 * 4000 / count + 250, 0.6 * 4000);
    assertAlmostEquals(link.round(downloads, ranks), 4000 + waited);
    for (let round = 3; round < 6; round++) assertEquals(link.round(downloads, ranks), 4000);
  });
}

Deno.test("downloads of less than a second are all begun at once, however often", () => {
  using all = fake(true, 200);
  const { link, downloads, time } = all;
  for (let round = 1; round < 6; round++) {
    const began = time.now;
    assertAlmostEquals(link.round(downloads, RANKS), 800);
    assertEquals(Object.values(link.begun), RANKS.map(() => began));
  }
});

Deno.test("a client that does not read delays the others of its link once in a while, and none for ever", () => {
  using all = fake(true, 2500);
  const { link, downloads } = all;
  link.round(downloads, RANKS);
  link.round(downloads, RANKS);
  link.stalled.add(1);
  // It holds its place for three times the time of one, then the next begins.
  assertAlmostEquals(link.round(downloads, RANKS), 3 * 2500 + 250 + 3 * 2500);
  assertEquals(Object.keys(link.ended), ["2", "3", "4"]);
  // The link is measured anew: with all at once, and with one of those that read.
  assertAlmostEquals(link.round(downloads, RANKS), 7500);
  assert(link.round(downloads, RANKS) <= 3 * 2500 + 2 * (3 * 2500 + 250));
});

Deno.test("clients that were not there when the link was measured are measured first", () => {
  using all = fake(true, 2500);
  const { link, downloads, time } = all;
  link.round(downloads, [1, 2]);
  const began = time.now;
  link.round(downloads, [3, 4]);
  assertEquals(Object.values(link.begun), [began, began]);
  link.round(downloads, [3, 4]);
  const ends = [link.ended[3], link.ended[4]].map((end = NaN) => end - began).sort((a, b) => a - b);
  assertAlmostEquals((ends[1] ?? 0) - (ends[0] ?? 0), 2500);
});

Deno.test("the option sets how many of an address download at a time", () => {
  using all = fake(false, 1000, 3);
  const { link, downloads, time } = all;
  for (let round = 1; round < 3; round++) {
    const began = time.now;
    link.round(downloads, [1, 2, 3, 4, 5, 6, 7]);
    assertEquals(Object.values(link.begun).map((at) => at - began), [
      0,
      0,
      0,
      1000,
      1000,
      1000,
      2000,
    ]);
  }
});

Deno.test("clear() drops what has not begun", () => {
  using all = fake(true, 2500, 1);
  const { link, downloads, time } = all;
  downloads.begin(link.downloads(RANKS));
  downloads.clear();
  time.goTo(1e6);
  assertEquals([Object.keys(link.begun), time.timers], [["1"], 0]);
});
