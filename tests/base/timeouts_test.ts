import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { DeadlineError } from "../../src/base/errors.ts";
import { DEFAULT_TIMEOUTS, timeoutsOf, within } from "../../src/net/timeouts.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const late = () => new DeadlineError("Cannot go on: it took too long");

function pending(): Promise<never> {
  return Promise.withResolvers<never>().promise;
}

Deno.test("timeoutsOf() puts what is given in the defaults' place", () => {
  assertEquals(timeoutsOf(), DEFAULT_TIMEOUTS);
  assertEquals(timeoutsOf({ roundSeconds: 0.5 }), { ...DEFAULT_TIMEOUTS, roundSeconds: 0.5 });
  assertEquals(DEFAULT_TIMEOUTS, {
    joinSeconds: 300,
    roundSeconds: 600,
    heartbeatSeconds: 5,
    drainSeconds: 5,
    idleSeconds: 86_400,
  });
});

Deno.test("timeoutsOf() refuses what is no time, and names it", () => {
  for (const seconds of [0, -1, NaN, Infinity, 2 ** 31]) {
    for (
      const name of [
        "joinSeconds",
        "roundSeconds",
        "heartbeatSeconds",
        "drainSeconds",
        "idleSeconds",
      ] as const
    ) {
      const error = assertThrows(() => timeoutsOf({ [name]: seconds }), RangeError);
      assertEquals(
        error.message,
        `Cannot use ${name}: expected a number of seconds above 0 and below 2147483, got ${seconds}`,
      );
    }
  }
  assertThrows(() => timeoutsOf({ drainSeconds: undefined as unknown as number }), RangeError);
  assertEquals(timeoutsOf({ heartbeatSeconds: 600 }).heartbeatSeconds, 600);
  assertThrows(
    () => timeoutsOf({ heartbeatSeconds: 601 }),
    RangeError,
    "Cannot use heartbeatSeconds: expected at most 600, got 601",
  );
});

Deno.test("within() gives the promise's value or its error", async () => {
  assertEquals(await within(Promise.resolve(7), { seconds: 60, late }), 7);
  const error = new Error("It failed");
  assertStrictEquals(
    await assertRejects(() => within(Promise.reject(error), { seconds: 60, late })),
    error,
  );
  assertEquals(await within(Promise.resolve(7), {}), 7);
});

Deno.test("within() rejects with the error of the time that is over", async () => {
  await assertRejects(() => within(pending(), { seconds: 0.005, late }), DeadlineError, "too long");
});

Deno.test("within() rejects with the signal's reason, before or while it waits", async () => {
  const reason = new Error("The user pressed Ctrl-C");
  assertStrictEquals(
    await assertRejects(() => within(pending(), { signal: AbortSignal.abort(reason) })),
    reason,
  );
  const controller = new AbortController();
  const waiting = assertRejects(() =>
    within(pending(), { seconds: 60, late, signal: controller.signal })
  );
  controller.abort(reason);
  assertStrictEquals(await waiting, reason);
});

Deno.test("within() leaves no failure of the promise behind when it has given it up", async () => {
  const unhandled: unknown[] = [];
  const listen = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", listen);
  try {
    const signal = AbortSignal.abort(new Error("The user pressed Ctrl-C"));
    for (const options of [{ signal }, { seconds: 0.001, late }]) {
      const { promise, reject } = Promise.withResolvers<never>();
      await assertRejects(() => within(promise, options));
      reject(new Error("The connection was closed"));
      // Unhandled rejections are told of at the end of the event loop's turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    globalThis.removeEventListener("unhandledrejection", listen);
  }
  assertEquals(unhandled, []);
});

Deno.test("within() takes its listener off the signal again", async () => {
  const signal = new AbortController().signal;
  const added: unknown[] = [], removed: unknown[] = [];
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    added.push(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    removed.push(args[1]);
    removeEventListener.apply(signal, args);
  };
  for (let i = 0; i < 10; i++) await within(Promise.resolve(i), { signal });
  assertEquals(added.length, 10);
  assert(added.every((listener, i) => listener === removed[i]));
});
