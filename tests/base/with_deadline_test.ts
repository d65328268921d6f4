import { assert, assertEquals, assertRejects, assertStrictEquals } from "jsr:@std/assert@1.0.19";
import { DeadlineError } from "../../src/base/errors.ts";
import { withDeadline } from "../../src/base/time/with_deadline.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const late = () => new DeadlineError("Cannot go on: it took too long");

function pending(): Promise<never> {
  return Promise.withResolvers<never>().promise;
}

Deno.test("withDeadline() gives the promise's value or its error", async () => {
  assertEquals(await withDeadline(Promise.resolve(7), { seconds: 60, late }), 7);
  const error = new Error("It failed");
  assertStrictEquals(
    await assertRejects(() => withDeadline(Promise.reject(error), { seconds: 60, late })),
    error,
  );
  assertEquals(await withDeadline(Promise.resolve(7), {}), 7);
});

Deno.test("withDeadline() rejects with the error of the time that is over", async () => {
  await assertRejects(
    () => withDeadline(pending(), { seconds: 0.005, late }),
    DeadlineError,
    "too long",
  );
});

Deno.test("withDeadline() rejects with the signal's reason, before or while it waits", async () => {
  const reason = new Error("The user pressed Ctrl-C");
  assertStrictEquals(
    await assertRejects(() => withDeadline(pending(), { signal: AbortSignal.abort(reason) })),
    reason,
  );
  const controller = new AbortController();
  const waiting = assertRejects(() =>
    withDeadline(pending(), { seconds: 60, late, signal: controller.signal })
  );
  controller.abort(reason);
  assertStrictEquals(await waiting, reason);
});

Deno.test("withDeadline() leaves no failure of the promise behind when it has given it up", async () => {
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
      await assertRejects(() => withDeadline(promise, options));
      reject(new Error("The connection was closed"));
      // Unhandled rejections are told of at the end of the event loop's turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    globalThis.removeEventListener("unhandledrejection", listen);
  }
  assertEquals(unhandled, []);
});

Deno.test("withDeadline() takes its listener off the signal again", async () => {
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
  for (let i = 0; i < 10; i++) await withDeadline(Promise.resolve(i), { signal });
  assertEquals(added.length, 10);
  assert(added.every((listener, i) => listener === removed[i]));
});
