/** What observers of a server, a simulation and clients are told, and what clients are sent. */
import { assert, assertEquals } from "@std/assert";
import {
  ClientSGDHandler,
  digits,
  FedAvg,
  initialParameters,
  logisticRegression,
  Simulation,
  type Strategy,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { ServerAsyncTop } from "../../src/server/mod.ts";
import { AsyncParameterServerHandler } from "../../src/round/mod.ts";
import { ClientFollowingTop } from "../../src/client/mod.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { silentLogger } from "../../src/base/mod.ts";
import { RecordedSteps } from "../helpers/recorded_steps.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CLIENTS = 3, rounds = 2;
const all = await digits();
const model = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });
const rowsOf = (i: number) => Array.from({ length: 20 }, (_, row) => CLIENTS * row + i);

/** Runs a federation whose server and clients are observed. */
async function observed(
  options: { strategy?: Strategy; isSecure?: boolean; context?: string },
): Promise<{ server: RecordedSteps; clients: RecordedSteps[] }> {
  const { strategy = new FedAvg(), isSecure = false, context } = options;
  const server = new RecordedSteps(context);
  const handlers = Array.from(
    { length: CLIENTS },
    (_, i) => new ClientSGDHandler({ data: all.select(rowsOf(i)) }),
  );
  const clients = handlers.map(() => new RecordedSteps());
  await runSync(
    new SyncParameterServerHandler({
      ...{ ...await initialParameters(model, 1), model, seed: 1, strategy },
      ...(isSecure && { secureAggregation: { minMembers: 3, maxMembers: 3, maxSamples: 50 } }),
    }),
    {
      ...{ clients: handlers, rounds, server: { tracer: server, quorum: 0.1 } },
      client: (rank) => {
        const tracer = clients[rank - 1];
        return { ...(tracer && { tracer }), ...(isSecure && { secureMinMembers: 3 }) };
      },
    },
  );
  for (const handler of handlers) await handler[Symbol.asyncDispose]();
  for (const { steps } of [server, ...clients]) {
    for (const step of steps) assert(step.hasEnded, `${step.name} of ${step.rank} has not ended`);
  }
  return { server, clients };
}

function privacy(mechanism: "ftrl" | "fedavg"): Strategy {
  const terms = { noise: 1, delta: 1e-3, rounds: 20, clients: CLIENTS, cohort: 3 };
  return new CentralPrivacy({ mechanism, ...terms });
}

Deno.test("a server's observer is told of each step, and clients are sent its context", async () => {
  const { server, clients } = await observed({ context: CONTEXT });
  const ofRound = server.steps.filter(({ round, rank }) => round === 1 && rank === undefined);
  assertEquals(ofRound.map(({ name }) => name), ["round", "select", "train", "fold", "evaluate"]);
  for (let rank = 1; rank <= CLIENTS; rank++) {
    const theirs = server.steps.filter((step) => step.round === 1 && step.rank === rank);
    assertEquals(
      theirs.map(({ name, work = "" }) => `${name} ${work}`),
      ["send train", "receive ", "send evaluate"],
    );
  }
  for (const { steps } of clients) {
    assertEquals(
      steps.map(({ name, round }) => `${round} ${name}`),
      ["1 train", "1 send", "1 evaluate", "2 train", "2 send", "2 evaluate"],
    );
    for (const { parent } of steps) assertEquals(parent, CONTEXT);
  }
});

Deno.test("clients are sent no context by a server without one", async () => {
  const { clients } = await observed({});
  assertEquals(clients.flatMap(({ steps }) => steps).length, 6 * CLIENTS);
  for (const { parent } of clients.flatMap(({ steps }) => steps)) assertEquals(parent, undefined);
});

Deno.test("where cohorts are secret observers are told of no client, and clients of no round", async () => {
  const { server, clients } = await observed({ strategy: privacy("fedavg"), context: CONTEXT });
  assertEquals(server.steps.filter(({ rank }) => rank !== undefined), []);
  assertEquals(new Set(server.names), new Set(["round", "select", "train", "fold", "evaluate"]));
  assertEquals(clients.flatMap(({ steps }) => steps), []);
});

Deno.test("where cohorts are known a private run's observers are told of clients, without figures", async () => {
  for (const options of [{ strategy: privacy("ftrl") }, { isSecure: true }]) {
    const { server, clients } = await observed({ ...options, context: CONTEXT });
    assert(server.steps.some(({ name, rank }) => name === "send" && rank !== undefined));
    assert(clients.some(({ names }) => names.includes("send")));
    const fields = new Set([server, ...clients].flatMap(({ steps }) => steps.flatMap(Object.keys)));
    const known = ["name", "round", "rank", "work", "parent", "hasEnded"];
    assertEquals([...fields].filter((field) => !known.includes(field)), []);
  }
});

Deno.test("a simulation's observer is told of the steps of its rounds", async () => {
  const tracer = new RecordedSteps(CONTEXT);
  const handler = new SyncParameterServerHandler({
    ...{ ...await initialParameters(model, 1), model, seed: 1 },
  });
  const simulation = new Simulation(handler, {
    ...{ train: all, parts: Array.from({ length: CLIENTS }, (_, i) => rowsOf(i)), rounds, tracer },
    pool: (options) => InProcessPool.start(options),
    evaluateClients: true,
  });
  await simulation.run();
  const ofOne = ["round", "select", "train", "fold", "evaluate"];
  assertEquals(tracer.names, [...ofOne, ...ofOne]);
  assert(tracer.steps.every(({ hasEnded, rank }) => hasEnded && rank === undefined));
});

Deno.test("an asynchronous server sends its context with tasks, and tells of what it receives", async () => {
  const server = new RecordedSteps(CONTEXT), client = new RecordedSteps();
  const handler = new AsyncParameterServerHandler({
    ...{ ...await initialParameters(model, 1), model, seed: 1 },
  });
  const learner = new ClientSGDHandler({ data: all.select(rowsOf(0)) });
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const address = `observed-${crypto.randomUUID()}`;
  let running: Promise<void> | undefined;
  await new ServerAsyncTop(handler, {
    ...{ ...group, listen: address, worldSize: 2, versions: 3, tracer: server },
    onEvent: ({ type }) => {
      if (type !== "listening") return;
      running = new ClientFollowingTop(learner, {
        ...{ ...group, serverAddr: address, tracer: client },
      }).run();
    },
  }).run();
  await running;
  await learner[Symbol.asyncDispose]();
  for (const name of ["round", "send", "receive"]) {
    assert(server.names.filter((each) => each === name).length >= 3, `${name}: ${server.names}`);
  }
  const trained = client.steps.filter(({ name }) => name === "train");
  assert(trained.length >= 3);
  for (const { parent } of trained) assertEquals(parent, CONTEXT);
});
