import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { Manifest, type ServerEvent, Simulation, SyncParameterServerHandler } from "../../mod.ts";
import { RunControl } from "../../src/round/mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(2);

function makeHandler(): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(2),
    plan: { epochs: 1, batchSize: 1, learningRate: 1 },
  });
}

Deno.test("a run that is paused begins no round until it is resumed, over TCP", async () => {
  const control = new RunControl();
  const begun: number[] = [];
  const report = await runSync(makeHandler(), {
    clients: [new FakeHandler(MANIFEST), new FakeHandler(MANIFEST)],
    rounds: 4,
    distBackend: "tcp",
    server: { control },
    onEvent: (event: ServerEvent) => {
      if (event.type === "round-started") begun.push(event.round);
      if (event.type !== "round-ended" || event.report.round !== 2) return;
      control.pause();
      // Long enough for many rounds of this size.
      setTimeout(() => {
        assertEquals([control.isPaused, begun], [true, [1, 2]]);
        control.resume();
      }, 300);
    },
  });
  assertEquals([report.rounds.length, begun], [4, [1, 2, 3, 4]]);
});

Deno.test("a client that is dropped ends its part, and the rounds go on without it", async () => {
  const control = new RunControl();
  const lost: number[] = [];
  const report = await runSync(makeHandler(), {
    clients: [new FakeHandler(MANIFEST), new FakeHandler(MANIFEST), new FakeHandler(MANIFEST)],
    rounds: 6,
    distBackend: "tcp",
    server: { control, quorum: 0.5 },
    onEvent: (event: ServerEvent) => {
      if (event.type === "client-lost") lost.push(event.rank);
      if (event.type === "round-ended" && event.report.round === 2) {
        assertEquals([control.drop(2), control.drop(9)], [true, false]);
      }
    },
  });
  assertEquals([lost, report.rounds.length], [[2], 6]);
  assertEquals(report.rounds.at(-1)?.cohort, [1, 3]);
  assertEquals(control.drop(1), false, "after the run");
});

Deno.test("a simulation pauses too, and a paused one can be stopped", async () => {
  const control = new RunControl();
  control.pause();
  const manifest = Manifest.of([{ name: "slopes", shape: [2] }, { name: "intercept", shape: [1] }]);
  const parameters = new Float32Array(manifest.length);
  const handler = new SyncParameterServerHandler({ manifest, parameters });
  const module = new URL("../../examples/own_handler/client.ts", import.meta.url);
  const options = { handler: module, clients: 2, rounds: 2, workers: 1, control };
  const simulation = new Simulation(handler, options);
  const reason = new Error("enough");
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 50);
  await assertRejects(() => simulation.run({ signal: stop.signal }), Error, "enough");
  assertEquals((await simulation.report()).rounds, []);
  setTimeout(() => control.resume(), 50);
  assertEquals((await new Simulation(handler, options).run()).rounds.length, 2);
});
