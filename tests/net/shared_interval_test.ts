import { assertEquals } from "jsr:@std/assert@1.0.19";
import { replaceRuntime, runtime, type Timer } from "../../src/base/runtime/runtime.ts";
import { startInterval } from "../../src/net/shared_interval.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Clock that moves by hand, with the one interval that is running. */
class ManualTime implements Disposable {
  now = 0;
  interval: { readonly millis: number; readonly callback: () => void; next: number } | undefined;
  readonly #replaced: Disposable;

  constructor() {
    this.#replaced = replaceRuntime({
      clock: { ...runtime.clock, now: () => this.now },
      timers: {
        ...runtime.timers,
        setInterval: (callback, millis = 0) => {
          this.interval = { callback, millis, next: this.now + millis };
          return 1 as unknown as Timer;
        },
        clearInterval: () => this.interval = undefined,
      },
    });
  }

  /** Lets the timer fire at its times. */
  pass(millis: number): void {
    const end = this.now + millis;
    while (this.interval !== undefined && this.interval.next <= end) {
      this.now = this.interval.next;
      this.interval.next += this.interval.millis;
      this.interval.callback();
    }
    this.now = end;
  }

  /** Lets time pass in which nothing runs. */
  pause(millis: number): void {
    this.now += millis;
    if (this.interval === undefined) return;
    this.interval.next = this.now + this.interval.millis;
    this.interval.callback();
  }

  [Symbol.dispose](): void {
    this.#replaced[Symbol.dispose]();
  }
}

Deno.test("startInterval() calls a function once in each interval until it is ended", () => {
  using time = new ManualTime();
  const times: number[] = [];
  const end = startInterval(800, () => times.push(time.now));
  time.pass(2500);
  assertEquals(times, [800, 1600, 2400]);
  end();
  end();
  assertEquals(time.interval, undefined);
});

Deno.test("startInterval() shares a timer, and the first call is an eighth too early at most", () => {
  using time = new ManualTime();
  const first: number[] = [], second: number[] = [];
  const ends = [startInterval(800, () => first.push(time.now))];
  const { interval } = time;
  time.pass(250);
  ends.push(startInterval(800, () => second.push(time.now)));
  assertEquals(time.interval, interval);
  time.pass(2000);
  assertEquals(first, [800, 1600]);
  assertEquals(second, [1000, 1800]);
  for (const end of ends) end();
  assertEquals(time.interval, undefined);
});

Deno.test("startInterval() calls each function once after a pause of the process", () => {
  using time = new ManualTime();
  const counts = [0, 0, 0];
  const ends = counts.map((_, i) => {
    time.pass(200);
    return startInterval(800, () => counts[i] = (counts[i] ?? 0) + 1);
  });
  time.pause(100_000);
  assertEquals(counts, [1, 1, 1]);
  time.pass(800);
  assertEquals(counts, [2, 2, 2]);
  for (const end of ends) end();
});

Deno.test("startInterval() does not call a function that another one has ended", () => {
  using time = new ManualTime();
  const ends: (() => void)[] = [];
  let calls = 0;
  for (let i = 0; i < 2; i++) {
    ends.push(startInterval(800, () => {
      calls++;
      for (const end of ends) end();
    }));
  }
  time.pass(5000);
  assertEquals(calls, 1);
});
