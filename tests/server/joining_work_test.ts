import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import type { Claim } from "../../src/server/sessions/rank_choice.ts";
import { RankRegistry } from "../../src/server/sessions/rank_registry.ts";
import { SourceTable } from "../../src/server/sessions/source_table.ts";
import { DEFAULT_PEER_LIMITS } from "../../src/server/sessions/peer_limits.ts";
import { TaskTracker } from "../../src/server/sessions/task_tracker.ts";
import { countLookups } from "../helpers/count_lookups.ts";

/** Asserts that `work` looks up no more for each of 8,000 than for each of 500. */
async function assertLinear(work: (size: number) => () => void | Promise<void>): Promise<void> {
  const [small, large] = [
    await countLookups(work(500)) / 500,
    await countLookups(work(8000)) / 8000,
  ];
  assert(small > 0);
  assert(large < 1.5 * small, `${small} lookups for each of 500, ${large} for each of 8,000`);
}

const ranksTo = (size: number) => Array.from({ length: size }, (_, i) => i + 1);

/** Has clients join a registry, as `registration.ts` does, and returns their tokens. */
function join(registry: RankRegistry<string>, claims: readonly Claim[]): string[] {
  return claims.map((claim, i) => {
    registry.predecessor(claim);
    const { rank, token } = registry.claim(`${i} ${claim.token}`, claim, () => {});
    registry.assign(rank, token);
    assert(registry.group.progress.length < 400);
    return token;
  });
}

Deno.test("RankRegistry does no more work for each client that joins, is lost and comes back in a larger group", async () => {
  await assertLinear((size) => () => {
    const registry = new RankRegistry<string>(size + 1);
    const tokens = join(registry, ranksTo(size).map(() => ({ identity: "open" })));
    for (const rank of ranksTo(size)) {
      assert(registry.disconnect(rank, `${rank - 1} undefined`, 1e6, () => {}));
    }
    assertEquals([registry.awayCount, registry.size], [size, size]);
    join(registry, tokens.map((token) => ({ identity: "open", token })));
    assertEquals([registry.awayCount, registry.group.size], [0, size]);
    registry.close();
  });
});

Deno.test("RankRegistry does no more work for each client without a token in a larger resumed group", async () => {
  await assertLinear((size) => {
    const tokens = ranksTo(size).map((rank) => [rank, `token ${rank}`] as const);
    const registry = new RankRegistry<string>(size + 1, { tokens }, ranksTo(size / 2));
    return () => {
      join(registry, ranksTo(size).map(() => ({ identity: "open" })));
      assertEquals(registry.group.size, size);
    };
  });
});

Deno.test("RankRegistry does no more work for each client with a key in a larger group", async () => {
  await assertLinear((size) => () => {
    const registry = new RankRegistry<string>(size + 1);
    const key = { seats: 1, isReserved: () => false };
    join(registry, ranksTo(size).map((rank) => ({ identity: `ed25519:${rank}`, key })));
    assertEquals(registry.ranksOf("ed25519:7"), [7]);
  });
});

Deno.test("SourceTable does no more work for each address where there are more of them", async () => {
  await assertLinear((size) => () => {
    const table = new SourceTable<string>(DEFAULT_PEER_LIMITS);
    for (const rank of ranksTo(size)) table.get(`address ${rank}`, 0).open = 1;
  });
});

Deno.test("TaskTracker looks at its condition once for all tasks that end", async () => {
  const tracker = new TaskTracker();
  const gates = ranksTo(1000).map(() => Promise.withResolvers<void>());
  for (const { promise } of gates) void tracker.track(promise);
  let looks = 0;
  const idle = tracker.untilIdle(() => {
    looks++;
    return true;
  });
  for (const { resolve } of gates) resolve();
  await idle;
  assert(looks <= 2, `${looks} looks`);
});

Deno.test("TaskTracker waits until no task runs, its condition holds, or the signal is aborted", async () => {
  const tracker = new TaskTracker();
  let isDone = false;
  const waiting = tracker.untilIdle(() => isDone);
  await tracker.track(Promise.resolve());
  isDone = true;
  await tracker.track(Promise.resolve());
  await waiting;
  const stop = new AbortController();
  const stopped = tracker.untilIdle(() => false, stop.signal);
  stop.abort();
  await stopped;
});
