import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ClientFollowingTop,
  type ClientTopologyOptions,
  DEFAULT_PLAN,
  MessageCode,
  ProtocolError,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { checkPrivacy } from "../../src/client/required_privacy.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { weakness } from "../../src/plan/announced_privacy.ts";
import { CentralPrivacy, parsePrivacy } from "../../src/privacy/mod.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(2);
const PLAN = { rounds: 2, clients: 1, cohort: 1 };
const group = { distBackend: "memory", logger: silentLogger } as const;

/** Has a client with demands join a server; returns the client's error, or `undefined`. */
async function join(
  privacy: string | undefined,
  options: Partial<ClientTopologyOptions>,
): Promise<unknown> {
  const serverAddr = `required-${crypto.randomUUID()}`;
  const strategy = privacy && new CentralPrivacy({ ...parsePrivacy(privacy), ...PLAN });
  const handler = new SyncParameterServerHandler({
    ...{ manifest: MANIFEST, parameters: new Float32Array(2) },
    ...(strategy && { strategy }),
  });
  const server = new ServerSyncTop(handler, {
    ...{ ...group, listen: serverAddr, worldSize: 2, rounds: 2 },
  });
  const stop = new AbortController();
  const client = new ClientFollowingTop(new FakeHandler(MANIFEST), {
    ...{ ...group, serverAddr, ...options },
  });
  const running = server.run({ signal: stop.signal });
  const [outcome] = await Promise.allSettled([client.run()]);
  if (outcome?.status === "rejected") stop.abort();
  await running.catch(() => {});
  return outcome?.status === "rejected" ? outcome.reason : undefined;
}

Deno.test("a client takes part where the server announces the privacy that it requires", async () => {
  const strong = { privacyMaxEpsilon: 8 };
  assertEquals(await join("ftrl:epsilon=8,delta=1e-5", strong), undefined);
  assertEquals(await join("fedavg:epsilon=2,delta=1e-6", strong), undefined);
  assertEquals(await join("ftrl:epsilon=2,delta=1e-5", {}), undefined);
});

Deno.test("a client leaves a server that announces less privacy, in one line that says why", async () => {
  const most = "expected differential privacy of epsilon 1 and delta 0.00001";
  const cases = [
    ["ftrl:epsilon=8,delta=1e-5", `${most} at most, got epsilon 8 and delta 0.00001`],
    ["ftrl:epsilon=1,delta=1e-4", `${most} at most, got epsilon 1 and delta 0.0001`],
    [
      "ftrl:epsilon=1,delta=1e-5,noiseSeed=1",
      `${most} at most, got ftrl, which guarantees nothing: the noise is seeded`,
    ],
    [undefined, `${most} at most, got a server that announces none`],
  ] as const;
  for (const [privacy, message] of cases) {
    const error = await join(privacy, { privacyMaxEpsilon: 1 });
    assert(error instanceof ProtocolError, String(error));
    assertEquals([error.fault, error.message], ["privacy-mismatch", `Cannot join: ${message}`]);
  }
});

Deno.test("a client refuses announced noise that the clients' settings do not have", async () => {
  const { plan } = await assignmentFor(MANIFEST);
  const privacy = {
    ...{ unit: "client", mechanism: "distributed", epsilon: 1, delta: 1e-6 },
    ...{ clip: 1, noise: 4 },
  };
  const check = (noise?: { clip: number; noise: number }) => {
    const secure = { clip: 2, maxSamples: 1, maxMembers: 5 };
    const shared = noise && { noise: { ...noise, fewest: 3, threshold: 4 } };
    const assignment = { privacy, plan: { ...plan, secure: { ...secure, ...shared } } };
    checkPrivacy(assignment, { privacyMaxEpsilon: 1 });
  };
  check({ clip: 1, noise: 4 });
  for (const noise of [undefined, { clip: 1, noise: 0.1 }, { clip: 10, noise: 4 }]) {
    assertThrows(() => check(noise), ProtocolError, "expected the announced noise 4 and clip 1");
  }
});

Deno.test("a client that requires privacy tells no server how parameters do on its data", async () => {
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const handler = new FakeHandler(MANIFEST);
  const client = new ClientFollowingTop(handler, {
    ...{ serverAddr: listener.address, logger: silentLogger, privacyMaxEpsilon: 8 },
  });
  const running = client.run().catch((error: unknown) => error);
  const channel = await listener.accept();
  assert(channel !== null);
  const connection = new Connection(channel);
  await connection.receive();
  const { privacy: { announced } } = new CentralPrivacy({
    ...{ ...parsePrivacy("ftrl:epsilon=8,delta=1e-5"), ...PLAN },
  });
  const assignment = { ...await assignmentFor(MANIFEST), privacy: announced };
  await connection.send({ code: MessageCode.IdAssignment, payload: assignment });
  await connection.receive();
  const parameters = new Float32Array(2);
  await connection.send({ code: MessageCode.EvaluateParams, payload: { round: 1, parameters } });
  const answer = (await connection.receive())?.message;
  assert(answer?.code === MessageCode.Error);
  assertEquals([answer.payload.fault, answer.payload.fatal], ["privacy-mismatch", true]);
  await connection.close();
  const error = await running;
  assert(error instanceof ProtocolError);
  assert(error.message.startsWith("Cannot evaluate: "), error.message);
  await listener.close();
});

Deno.test("weakness() takes only a guarantee for all data of a client", () => {
  const announced = {
    unit: "record",
    mechanism: "sgd",
    epsilon: 1,
    delta: 1e-6,
    clip: 1,
    noise: 1,
  };
  const required = { maxEpsilon: 8, maxDelta: 1e-5 };
  assert(
    weakness(announced, required)?.endsWith("for all data of a client, got one for each record"),
  );
  assertEquals(weakness({ ...announced, unit: "client" }, required), undefined);
});

Deno.test("a client refuses demands that are out of range", () => {
  const make = (options: Partial<ClientTopologyOptions>) => () =>
    new ClientFollowingTop(new FakeHandler(MANIFEST), { ...group, serverAddr: "x", ...options });
  for (const privacyMaxEpsilon of [0, -1, NaN, Infinity]) {
    assertThrows(make({ privacyMaxEpsilon }), RangeError, "privacyMaxEpsilon above 0");
  }
  for (const privacyMaxDelta of [0, 1, NaN]) {
    const both = { privacyMaxEpsilon: 1, privacyMaxDelta };
    assertThrows(make(both), RangeError, "privacyMaxDelta above 0 and below 1");
  }
  assertThrows(make({ privacyMaxDelta: 0.1 }), RangeError, "privacyMaxEpsilon beside");
});

Deno.test("the announced epsilon is that of the whole run", () => {
  for (const text of ["ftrl:epsilon=3,delta=1e-5", "fedavg:noise=2,delta=1e-5"]) {
    const strategy = new CentralPrivacy({
      ...{ ...parsePrivacy(text), rounds: 20, clients: 10, cohort: 2 },
    });
    const { privacy, noise } = strategy, { announced } = privacy;
    assertEquals([announced.noise, announced.delta, announced.clip], [noise, 1e-5, 0.3]);
    const last = new Map<number, number>();
    const lastRound = (rank: number) => last.get(rank) ?? 0;
    const available = Array.from({ length: 10 }, (_, i) => i + 1);
    for (let round = 1; privacy.stopReason(10) === undefined; round++) {
      const open = strategy.begin(new Float32Array(2), {
        round,
        numClients: 10,
        plan: DEFAULT_PLAN,
      });
      for (const rank of privacy.select({ available, count: 2, lastRound })) {
        last.set(rank, round);
        open.accept({ rank, parameters: new Float32Array(2), numSamples: 1 });
      }
      open.finish();
    }
    const { epsilon = NaN } = privacy.report;
    assert(Math.abs(epsilon - (announced.epsilon ?? NaN)) < 1e-6, `${text}: ${epsilon}`);
  }
});
