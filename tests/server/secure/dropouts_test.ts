import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { DeadlineError, MessageCode, type ServerEvent } from "../../../mod.ts";
import {
  clearModel,
  runSecure,
  type SecureRunOptions,
  serverOf,
  type StageName,
  STAGES,
} from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];
const SHORT = { joinSeconds: 0.3, roundSeconds: 20, heartbeatSeconds: 1 };

class Gone extends Error {}

/** Options of a run in which some clients go away for good at a stage of round 2. */
function losing(lost: readonly number[], stage: StageName): SecureRunOptions {
  return {
    server: { timeouts: SHORT },
    before: (rank, code, payload) => {
      const isDue = code === STAGES[stage] && "round" in payload && payload.round === 2;
      if (isDue && lost.includes(rank)) throw new Gone("gone");
    },
  };
}

/** Survivors of the round in which a client is lost: after its update has come, it counts. */
function survivorsOf(lost: readonly number[], stage: StageName): number[] {
  return ALL.filter((rank) => stage === "reveal" || !lost.includes(rank));
}

for (const stage of ["keys", "shares", "masked", "reveal"] as const) {
  Deno.test(`rounds go on without a client that is lost at ${stage}`, async () => {
    const lost = [2];
    const { model, report, errors } = await runSecure({ ...losing(lost, stage), rounds: 3 });
    assertEquals([...errors.keys()], lost);
    assertEquals(report.rounds.map(({ tries }) => tries), [1, 1, 1]);
    const left = ALL.filter((rank) => !lost.includes(rank));
    assertEquals(model, clearModel([ALL, survivorsOf(lost, stage), left]));
  });
}

Deno.test("a round whose shares are lost is not tried again by clients that have revealed", async () => {
  const reveals: number[] = [];
  const options = losing([1, 4], "reveal");
  const error = await assertRejects(
    () =>
      runSecure({
        ...options,
        before: async (rank, code, payload) => {
          await options.before?.(rank, code, payload);
          if (code === MessageCode.UnmaskRequest && "round" in payload && payload.round === 2) {
            reveals.push(rank);
          }
        },
      }),
    DeadlineError,
  );
  assert(error.message.includes("Round 2 cannot be tried again: 3 of 5 clients"), error.message);
  assertEquals(reveals.sort(), [2, 3, 5]);
});

Deno.test("a run with fewer clients than secure aggregation needs ends by name", async () => {
  const error = await assertRejects(
    () => runSecure({ ...losing([1, 2, 3], "masked") }),
    DeadlineError,
  );
  assert(error.message.includes("3"), error.message);
});

Deno.test("silent clients are dropped at the end of each stage", async () => {
  for (const stage of ["keys", "shares", "masked", "reveal"] as const) {
    const silent = Promise.withResolvers<void>();
    const events: ServerEvent[] = [];
    const { model } = await runSecure({
      rounds: 1,
      server: { timeouts: { roundSeconds: 0.8, heartbeatSeconds: 0.2 } },
      before: async (rank, code) => {
        if (rank === 3 && code === STAGES[stage]) await silent.promise;
      },
      onEvent: (event) => {
        events.push(event);
        if (event.type === "round-ended") silent.resolve();
      },
    });
    const left = [1, 2, 4, 5];
    assertEquals(model, clearModel([stage === "reveal" ? ALL : left]), stage);
  }
});

Deno.test("a round of a larger cohort ends with the first masked updates", async () => {
  const over = Promise.withResolvers<void>();
  const { model, report } = await runSecure({
    clients: 7,
    rounds: 1,
    handler: serverOf({ fraction: 5 / 7, overSelection: 0.4 }),
    before: async (rank, code) => {
      if (rank > 5 && code === MessageCode.SecureShares) await over.promise;
    },
    onEvent: ({ type }) => type === "round-ended" && over.resolve(),
  });
  const [round] = report.rounds;
  assertEquals([round?.cohort.length, round?.received, round?.tries], [7, 5, 1]);
  assertEquals(model, clearModel([ALL]));
});
