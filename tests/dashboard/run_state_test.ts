import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { prometheusText } from "../../src/dashboard/prometheus.ts";
import { RunState } from "../../src/dashboard/run_state.ts";
import { changed } from "../../src/dashboard/page/feed.ts";
import { MAX_DOTS, MAX_EVENTS, MAX_ROWS, type RunView } from "../../src/dashboard/view.ts";
import type { PrivacyReport } from "../../src/strategy/privacy.ts";
import type { RoundReport, ServerEvent } from "../../mod.ts";

const RUN = { id: "a", name: "a", command: "server", strategy: "fedavg", settings: {} };

const SPENT: PrivacyReport = {
  ...{ unit: "client", relation: "zero-out", mechanism: "ftrl", source: "system" },
  ...{ noise: 1, clip: 1, delta: 1e-5, reproducible: false, releases: 0 },
};

function joined(rank: number): ServerEvent {
  return {
    ...{ type: "client-joined", rank, identity: "open", address: "tcp 1.2.3.4:5" },
    ...{ agent: "test/1", numSamples: 10 * rank, isBack: false },
  };
}

function roundReport(round: number, more: Partial<RoundReport> = {}): RoundReport {
  return {
    ...{ round, cohort: [1, 2], received: 2, dropped: 0, refused: 0, tries: 1, losses: [] },
    ...{ bytesUp: 10, bytesDown: 20, seconds: 0.5, accuracy: round / 10, ...more },
  };
}

/** Events of a run of two rounds with one refusal. */
const EVENTS: readonly ServerEvent[] = [
  { type: "listening", address: "127.0.0.1:1" },
  { type: "joining", progress: "1 of 2 clients joined" },
  joined(1),
  joined(2),
  { type: "round-started", round: 1, rounds: 2, cohort: [1, 2] },
  { type: "update-received", round: 1, rank: 1, received: 1, expected: 2, loss: 0.5 },
  { type: "update-refused", rank: 2, fault: "not-finite", message: "not finite" },
  { type: "round-ended", report: roundReport(1, { bytesUpWhole: 100 }) },
  { type: "round-started", round: 2, rounds: 2, cohort: [1, 2] },
  { type: "client-away", rank: 2, reason: "connection reset" },
  { type: "update-received", round: 2, rank: 1, received: 1, expected: 2, loss: 0.25 },
];

Deno.test("RunState gathers what events say of rounds, clients, bytes and refusals", () => {
  const state = new RunState(RUN);
  for (const event of EVENTS) state.apply(event);
  const { head, open, points, clients, events } = state.view();
  assertEquals([head.stage, head.round, head.rounds], ["running", 1, 2]);
  assertEquals([head.bytesUp, head.bytesUpWhole, head.bytesDown], [10, 100, 20]);
  assertEquals(head.refusals, { "not-finite": 1 });
  assertEquals(head.clients, { present: 1, away: 1, left: 0 });
  assertEquals([open?.cohort, open?.states, open?.received], [[1, 2], "ra", 1]);
  assertEquals(points.map(({ accuracy }) => accuracy), [0.1]);
  const [first, second] = clients;
  assertEquals([first?.samples, first?.received, first?.loss], [10, 2, 0.25]);
  assertEquals([second?.state, second?.refused, second?.trouble], ["away", 1, "connection reset"]);
  assertEquals(events.filter(({ isTrouble }) => isTrouble).map(({ type }) => type), [
    "update-refused",
    "client-away",
  ]);
});

Deno.test("RunState tells after each round what a private run has spent, which is read once", () => {
  let reads = 0;
  const privacy = () => ({ ...SPENT, releases: ++reads, epsilon: reads / 10 });
  const state = new RunState(RUN, { privacy });
  assertEquals(state.head().privacy?.epsilon, 0.1);
  for (const event of EVENTS) state.apply(event);
  assertEquals([state.head().privacy?.epsilon, state.view().head.privacy?.releases], [0.2, 2]);
  assertMatch(prometheusText(state.view(), 1), /^fedlab_privacy_epsilon\{run="a"\} 0\.2$/m);
  assertEquals(new RunState(RUN).head().privacy, undefined);
  const secret = new RunState(RUN, { privacy: () => ({ ...SPENT, mechanism: "fedavg" }) });
  for (const event of EVENTS) secret.apply(event);
  const untold = /fedlab_(updates|bytes|round_seconds)/;
  assertMatch(prometheusText(state.view(), 1), untold);
  assert(!untold.test(prometheusText(secret.view(), 1)));
});

Deno.test("a view with the changes that were taken is the view itself, wherever it begins", () => {
  for (let begin = 0; begin <= EVENTS.length; begin++) {
    const state = new RunState(RUN);
    for (const event of EVENTS.slice(0, begin)) state.apply(event);
    state.takeChange();
    let view: RunView = structuredClone(state.view());
    for (const event of EVENTS.slice(begin)) {
      state.apply(event);
      const change = state.takeChange();
      assert(change !== undefined);
      view = changed(view, structuredClone(change));
    }
    assertEquals(view, state.view());
    assertEquals(state.takeChange(), undefined);
  }
});

Deno.test("an update that waits for its turn is in, and its client's time ends then", async () => {
  const state = new RunState(RUN);
  for (const event of EVENTS.slice(0, 4)) state.apply(event);
  state.apply({ type: "round-started", round: 1, rounds: 2, cohort: [1, 2] });
  const end = state.observe({ name: "receive", round: 1, rank: 2 });
  assertEquals(state.view().open?.states, ".u");
  end();
  // Rank 1 is slow. The update of rank 2 is told of after that of rank 1.
  const { open, clients: [, second] } = state.view();
  assertEquals([open?.states, open?.received], [".i", 1]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const lost = state.observe({ name: "receive", round: 1, rank: 1 });
  lost(new Error("the connection is lost"));
  assertEquals(state.view().open?.states, ".i");
  state.apply({ type: "update-received", round: 1, rank: 1, received: 1, expected: 2 });
  state.apply({ type: "update-received", round: 1, rank: 2, received: 2, expected: 2 });
  const [first, again] = state.view().clients;
  assertEquals(again?.seconds, second?.seconds);
  assert((first?.seconds ?? 0) >= 0.02 && first?.uploadSeconds === undefined);
  // Steps of another round, and of the whole round, are not about this one.
  state.observe({ name: "receive", round: 7, rank: 2 })();
  state.observe({ name: "fold", round: 1 })();
  assertEquals(state.view().open?.states, "rr");
});

Deno.test("a run that is paused says so until it goes on or ends", () => {
  const state = new RunState(RUN);
  state.pause(true);
  assertEquals(state.takeChange()?.head?.isPaused, true);
  state.pause(false);
  assertEquals(state.head().isPaused, undefined);
  state.pause(true);
  state.apply({ type: "stopped", reason: "enough" });
  assertEquals(state.head().isPaused, undefined);
});

Deno.test("hostile texts of peers are cut to one short line in the view", () => {
  const state = new RunState(RUN);
  const hostile = `\x1b[2J<script>\u202e\n${"x".repeat(1_000_000)}`;
  state.apply({ ...joined(1), site: hostile, agent: hostile } as ServerEvent);
  state.apply({ type: "client-lost", rank: 1, reason: hostile });
  const text = JSON.stringify(state.view());
  assert(text.length < 5000, `${text.length}`);
  assert(!/\\u001b|\u202e|\\n/.test(text), text);
});

Deno.test("the view stays small with many clients, faults, events and a large cohort", () => {
  const state = new RunState(RUN);
  const most = MAX_ROWS + 5;
  for (let rank = 1; rank <= most; rank++) state.apply(joined(rank));
  for (let i = 0; i < 200; i++) {
    state.apply({ type: "update-refused", rank: 1, fault: `fault-${i}`, message: "" });
  }
  const cohort = Array.from({ length: MAX_DOTS + 1 }, (_, i) => i + 1);
  state.apply({ type: "round-started", round: 1, rounds: 1, cohort });
  const { head, open, clients, events } = state.view();
  assertEquals([clients.length, head.clientsOmitted], [MAX_ROWS, 5]);
  assertEquals(events.length, MAX_EVENTS);
  assertEquals([open?.cohort, open?.expected], [[], MAX_DOTS + 1]);
  assert(Object.keys(head.refusals).length <= 51);
  assertEquals(Object.values(head.refusals).reduce((a, b) => a + b), 200);
});
