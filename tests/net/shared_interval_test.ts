import { assertEquals } from "jsr:@std/assert@1.0.19";
import { replaceRuntime, runtime, type Timer } from "../../src/base/runtime/runtime.ts";
import { startInterval } from "../../src/net/shared_interval.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Clock that moves by hand, with the one timer that is running. */
class ManualTime implements Disposable {
  now = 0;
  timer: { readonly at: number; readonly callback: () => void } | undefined;
  /** Number of times at which the timer has fired. */
  fired = 0;
  readonly #replaced: Disposable;

  constructor() {
    this.#replaced = replaceRuntime({
      clock: { ...runtime.clock, now: () => this.now },
      timers: {
        ...runtime.timers,
        setTimeout: (callback, millis = 0) => {
          assertEquals(this.timer, undefined);
          this.timer = { callback, at: this.now + millis };
          return 1 as unknown as Timer;
        },
        clearTimeout: () => this.timer = undefined,
      },
    });
  }

  /** Lets the timer fire at its times. */
  pass(millis: number): void {
    const end = this.now + millis;
    while (this.timer !== undefined && this.timer.at <= end) {
      this.now = this.timer.at;
      this.#fire();
    }
    this.now = end;
  }

  /** Lets time pass in which nothing runs. */
  pause(millis: number): void {
    this.now += millis;
    if (this.timer !== undefined && this.timer.at <= this.now) this.#fire();
  }

  #fire(): void {
    const callback = this.timer?.callback;
    this.timer = undefined;
    this.fired++;
    callback?.();
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
  assertEquals(time.fired, 3);
  end();
  end();
  assertEquals(time.timer, undefined);
});

Deno.test("startInterval() shares a timer, and the first call is an eighth too early at most", () => {
  using time = new ManualTime();
  const first: number[] = [], second: number[] = [];
  const ends = [startInterval(800, () => first.push(time.now))];
  const { timer } = time;
  time.pass(250);
  ends.push(startInterval(800, () => second.push(time.now)));
  assertEquals(time.timer, timer);
  time.pass(2000);
  assertEquals(first, [800, 1600]);
  assertEquals(second, [1000, 1800]);
  for (const end of ends) end();
  assertEquals(time.timer, undefined);
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
