import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { ProtocolError } from "../../mod.ts";
import { replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { awaitPredecessor } from "../../src/server/sessions/predecessor.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Arguments = Parameters<typeof awaitPredecessor>;

/**
 * Waits for the predecessor of a client, with a heartbeat each second.
 *
 * @param step Called after each check with its number and the predecessor's connection; returns the
 * milliseconds by which the next check is late.
 * @returns Number of checks.
 */
async function waitFor(
  step: (check: number, connection: { isOpen: boolean; bytesReceived: number }) => number,
): Promise<number> {
  let now = 0, checks = 0;
  const connection = { isOpen: true, bytesReceived: 100 };
  const { timers } = runtime;
  using _ = replaceRuntime({
    clock: { ...runtime.clock, now: () => now },
    timers: {
      ...timers,
      setTimeout: (callback, millis = 0) => {
        now += millis + step(++checks, connection);
        return timers.setTimeout(callback, 0);
      },
    },
  });
  const predecessor = { rank: 1, connection };
  await awaitPredecessor(
    { connection: { isOpen: true }, isOver: false } as Arguments[0],
    { predecessor: () => connection.isOpen ? predecessor : undefined } as unknown as Arguments[1],
    {} as Arguments[2],
    1,
  );
  return checks;
}

Deno.test("awaitPredecessor() returns when the predecessor was given up for its silence", async () => {
  assertEquals(
    await waitFor((check, connection) => {
      if (check === 65) connection.isOpen = false;
      return 0;
    }),
    65,
  );
});

Deno.test("awaitPredecessor() does not count the time in which its process was suspended", async () => {
  assertEquals(
    await waitFor((check, connection) => {
      // Its silence is counted from the suspension on.
      if (check === 115) connection.isOpen = false;
      return check === 50 ? 3_600_000 : 0;
    }),
    115,
  );
});

Deno.test("awaitPredecessor() refuses a client whose predecessor is heard, or is not given up in time", async () => {
  for (const isHeard of [true, false]) {
    let checks = 0;
    const error = await assertRejects(
      () =>
        waitFor((check, connection) => {
          checks = check;
          if (check === 20 && isHeard) connection.bytesReceived++;
          return 0;
        }),
      ProtocolError,
      "another process with this key has rank 1, and is alive",
    );
    assertEquals(error.fault, "rank-taken");
    assertEquals(checks, isHeard ? 20 : 81);
  }
});
