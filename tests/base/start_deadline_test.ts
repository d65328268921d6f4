import { assertEquals } from "jsr:@std/assert@1.0.19";
import { replaceRuntime, runtime, type Timer } from "../../src/base/runtime/runtime.ts";
import { startDeadline } from "../../src/base/time/start_deadline.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Time that passes only when a test lets it, with one timer. */
class ManualTime implements Disposable {
  now = 0;
  timer: { readonly millis: number; readonly callback: () => void } | undefined;
  readonly #replaced = replaceRuntime({
    clock: { ...runtime.clock, now: () => this.now },
    timers: {
      ...runtime.timers,
      setTimeout: (callback, millis = 0) => {
        this.timer = { callback, millis };
        return 1 as unknown as Timer;
      },
      clearTimeout: () => this.timer = undefined,
    },
  });

  /** Lets the timer fire, that many milliseconds late. */
  fire(late = 0): void {
    const { timer } = this;
    this.timer = undefined;
    this.now += (timer?.millis ?? 0) + late;
    timer?.callback();
  }

  [Symbol.dispose](): void {
    this.#replaced[Symbol.dispose]();
  }
}

Deno.test("startDeadline() calls its function after the time, also when its timer is a little late", () => {
  for (const late of [0, 1, 200]) {
    using time = new ManualTime();
    const calls: number[] = [];
    startDeadline(3000, () => calls.push(time.now));
    assertEquals(time.timer?.millis, 3000);
    time.fire(late);
    assertEquals([calls, time.timer], [[3000 + late], undefined]);
  }
});

Deno.test("startDeadline() puts a deadline off by the delay of a process that was held up", () => {
  for (const [late, grace] of [[201, 201], [600, 600], [3_600_000, 1000]] as const) {
    using time = new ManualTime();
    const calls: number[] = [];
    startDeadline(300, () => calls.push(time.now));
    time.fire(late);
    assertEquals([calls, time.timer?.millis], [[], grace]);
    time.fire();
    assertEquals([calls, time.timer], [[300 + late + grace], undefined]);
  }
});

Deno.test("startDeadline() puts a deadline off by its length or a second in all", () => {
  for (const [millis, inAll] of [[300, 1000], [2500, 2500]] as const) {
    using time = new ManualTime();
    let calls = 0, grace = 0;
    startDeadline(millis, () => calls++);
    while (time.timer !== undefined) {
      time.fire(400);
      grace += time.timer?.millis ?? 0;
    }
    assertEquals([calls, grace], [1, inAll]);
  }
});

Deno.test("startDeadline() can be cancelled, also after it was put off", () => {
  for (const late of [undefined, 500]) {
    using time = new ManualTime();
    const cancel = startDeadline(300, () => {
      throw new Error("It was cancelled");
    });
    if (late !== undefined) time.fire(late);
    cancel();
    cancel();
    assertEquals(time.timer, undefined);
  }
});
