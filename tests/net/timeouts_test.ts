import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { DEFAULT_TIMEOUTS, timeoutsOf } from "../../src/net/timeouts.ts";

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
