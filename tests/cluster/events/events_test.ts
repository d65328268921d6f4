import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { connectCluster } from "../../../src/cluster/connect.ts";
import { EventLog } from "../../../src/cluster/events/event_log.ts";
import { eventText, readEvent, type RunEvent } from "../../../src/cluster/events/run_event.ts";
import { type StoredEvent, Watcher } from "../../../src/cluster/events/watcher.ts";
import { eventSubject } from "../../../src/cluster/names.ts";
import type { RoundReport, RunReport } from "../../../mod.ts";
import { roundOf } from "../../cli/runs/made_runs.ts";
import { ClusterServer } from "../../helpers/cluster_server.ts";
import { inFolder, runCommand } from "../../helpers/command.ts";
import { testNeedingNats, testWithNats } from "../../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const RUN = { name: "one", command: "simulate", settings: { strategy: "fedavg", rounds: 3 } };

const ended = (round: number, accuracy: number) =>
  ({ type: "round-ended", report: roundOf(round, accuracy) }) as const;

function finished(rounds: readonly RoundReport[]) {
  const report: RunReport = {
    ...{ schema: "fedlab.run/1", seed: 1, strategy: "fedavg", transport: "simulation" },
    ...{ worldSize: 3, kernels: "simd128", rounds, modelDigest: "ab".repeat(32), seconds: 2 },
  };
  return { type: "finished", report } as const;
}

/** Follows a run to its end. */
async function allOf(watcher: Watcher, id: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of watcher.follow(id)) events.push(event);
  return events;
}

const shapes = (events: readonly StoredEvent[]) =>
  events.map(({ event }) => event.type === "round-ended" ? event.report.round : event.type);

testNeedingNats(
  "watchers with no rights but to read replay a run and follow it to its end",
  async () => {
    await using server = await ClusterServer.start();
    await using log = await EventLog.begin(server.access("coordinator-1"), RUN);
    log.show(ended(1, 0.25));
    await using first = await Watcher.connect(server.access("watcher-1"));
    const early = allOf(first, log.id);
    log.show(ended(2, 0.5));
    await using second = await Watcher.connect(server.access("watcher-1"));
    const late = allOf(second, log.id);
    log.show(ended(3, 0.75));
    log.show(finished([roundOf(1, 0.25)]));
    const expected = ["began", 1, 2, 3, "finished"];
    assertEquals([shapes(await early), shapes(await late)], [expected, expected]);
    assertEquals(shapes(await second.read(log.id)), expected);
    assertEquals(await first.runs(), [log.id]);
    assertEquals(await first.read("other"), []);
  },
);

testWithNats(
  "events are stored once and in order when the server is killed meanwhile",
  async (server) => {
    await using log = await EventLog.begin({ url: server.url }, RUN);
    await using watcher = await Watcher.connect({ url: server.url });
    const following = allOf(watcher, log.id);
    for (let round = 1; round <= 20; round++) {
      log.show(ended(round, 0.5));
      if (round === 10) await server.kill();
      if (round === 15) await server.restart();
    }
    log.show({ type: "stopped", reason: "enough" });
    const rounds = Array.from({ length: 20 }, (_, i) => i + 1);
    assertEquals(shapes(await following), ["began", ...rounds, "stopped"]);
  },
);

testWithNats(
  "a watcher of a cluster that has had no run sees none, and makes nothing",
  async (server) => {
    await using watcher = await Watcher.connect({ url: server.url });
    assertEquals([await watcher.runs(), await watcher.read("one")], [[], []]);
    await using cluster = await connectCluster({ url: server.url });
    let streams = 0;
    for await (const _ of cluster.manager.streams.list()) streams++;
    assertEquals(streams, 0);
  },
);

testWithNats("a watcher passes over what is no event of this version", async (server) => {
  await using log = await EventLog.begin({ url: server.url }, RUN);
  await using cluster = await connectCluster({ url: server.url });
  for (const text of ["no JSON", "{}", '{"version":2,"program":"9","event":{"type":"stopped"}}']) {
    await cluster.stream.publish(eventSubject(log.id), text);
  }
  log.show({ type: "stopped", reason: "enough" });
  await using watcher = await Watcher.connect({ url: server.url });
  assertEquals(shapes(await allOf(watcher, log.id)), ["began", "stopped"]);
});

testNeedingNats(
  "runs lists, compares and follows the runs of a cluster",
  () =>
    inFolder(async (folder) => {
      await using server = await ClusterServer.start();
      const { url } = server.access("watcher-1"), keys = server.folder;
      const access = [
        ...["--cluster", url, "--cluster-ca", `${keys}/ca.pem`],
        ...["--cluster-key", `${keys}/watcher-1.seed`],
      ];
      const runs = (...args: string[]) => runCommand("runs:cluster", [...args, ...access], folder);
      const empty = await runs();
      assertEquals([empty.code, empty.stdout], [0, "0 runs\n"], empty.stderr);
      await using one = await EventLog.begin(server.access("coordinator-1"), RUN);
      await using two = await EventLog.begin(server.access("coordinator-1"), {
        ...RUN,
        name: "two",
        settings: { strategy: "fedprox", rounds: 3 },
      });
      for (const [round, accuracy] of [[1, 0.25], [2, 0.75]] as const) {
        one.show(ended(round, accuracy));
        two.show(ended(round, accuracy / 2));
      }
      one.show(finished([]));
      two.show({ type: "stopped", reason: "nobody is left" });
      const [followed, halted, listed, compared, unknown] = await Promise.all([
        runs("follow", "one"),
        runs("follow", two.id),
        runs("--sort", "best"),
        runs("compare", one.id, two.id),
        runs("follow", "three"),
      ]);
      assertEquals(followed.code, 0, followed.stderr);
      assertMatch(
        followed.stdout,
        /^round 1 of 3, .*\nround 2 of 3, .*accuracy 75.00%.*\none-.* over/,
      );
      assertEquals(halted.code, 1);
      assertMatch(halted.stderr, /two-\w+ has stopped: 2 rounds, .*nobody is left/);
      assertMatch(listed.stdout, /│ one-.*finished.*75.00%.*│ two-.*stopped.*37.50%.*2 runs\n$/s);
      assertMatch(compared.stdout, /strategy +│ +fedavg │ +fedprox │/);
      assertMatch(unknown.stderr, /^error: Cannot find the run three in the cluster\n$/);
    }),
);

testWithNats("a run that is taken over goes on for its watchers", async (server) => {
  await using watcher = await Watcher.connect({ url: server.url });
  await using first = await EventLog.begin({ url: server.url }, RUN);
  first.show(ended(1, 0.25));
  const following = allOf(watcher, first.id);
  await using second = await EventLog.begin({ url: server.url }, RUN, first.id);
  for (const round of [1, 2]) second.show(ended(round, 0.5));
  second.show(finished([]));
  const seen = shapes(await following).map(String);
  assertEquals(seen.sort(), ["1", "1", "2", "began", "began", "finished"]);
});

Deno.test("readEvent() reads what eventText() writes, and long lists are left out", () => {
  const event: RunEvent = { type: "began", ...RUN };
  assertEquals(readEvent(eventText(event)), event);
  for (const text of ["", "null", "[]", '{"version":1,"program":"0","event":{"type":"other"}}']) {
    assertEquals(readEvent(text), undefined);
  }
  assert(readEvent(eventText({ type: "stopped", reason: "enough" })) !== undefined);
});
