import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  ClientBackendHandler,
  ClientSyncTop,
  type EvaluateResult,
  FedAvg,
  Manifest,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
  type TrainResult,
} from "../../mod.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { checkThreshold, privateShareOf } from "../../src/client/secure/private_share.ts";
import { DistributedPrivacy, parsePrivateRun, zcdpEpsilon } from "../../src/privacy/mod.ts";
import { secureSettings } from "../../src/round/secure/options.ts";
import { SecureError } from "../../src/secure/errors.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 4000;
const MANIFEST = Manifest.of([{ name: "w", shape: [LENGTH] }]);
const PLAN = { rounds: 2, clients: 5, cohort: 5, threshold: 4 };
const OPTIONS = { ...PLAN, noise: 3, delta: 1e-5, clip: 0.5 };

/** Client whose training moves each value by 1. */
class Mover extends ClientBackendHandler {
  readonly manifest = MANIFEST;
  readonly numSamples: number;
  #parameters = new Float32Array(LENGTH);

  constructor(numSamples: number) {
    super();
    this.numSamples = numSamples;
  }

  get parameters(): Float32Array<ArrayBuffer> {
    return this.#parameters;
  }

  set parameters(vector: Float32Array) {
    this.#parameters.set(vector);
  }

  train(): Promise<TrainResult> {
    this.#parameters.forEach((value, i) => this.#parameters[i] = value + 1);
    const { numSamples } = this;
    return Promise.resolve({ numSamples, steps: 7, loss: 0.98765, metrics: {} });
  }

  evaluate(): Promise<EvaluateResult> {
    return Promise.resolve({ numSamples: this.numSamples, loss: 1 });
  }
}

async function run(
  strategy: DistributedPrivacy,
  rounds = 1,
): Promise<{ report: RunReport; model: Float32Array }> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const serverAddr = `distributed-${crypto.randomUUID()}`;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(LENGTH),
    strategy,
    secureAggregation: { minMembers: 5 },
  });
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: serverAddr,
    worldSize: 6,
    rounds,
  });
  const clients = [1, 2, 3, 4, 5].map((rank) =>
    new ClientSyncTop(new Mover(1000 * rank), {
      ...group,
      serverAddr,
      rank,
      requireSecure: true,
    }).run()
  );
  const [report] = await Promise.all([server.run(), ...clients]);
  return { report, model: handler.parameters.slice() };
}

Deno.test("a sum of masked updates has the clients' noise, each client counting alike", async () => {
  const { report, model } = await run(new DistributedPrivacy(OPTIONS));
  const mean = model.reduce((a, b) => a + b, 0) / LENGTH;
  const deviation = Math.sqrt(model.reduce((a, b) => a + (b - mean) ** 2, 0) / LENGTH);
  // Three of the four of the threshold do not collude: five clients add 5/3 of the variance.
  const want = OPTIONS.noise * OPTIONS.clip * Math.sqrt(5 / 3) / 5;
  assert(Math.abs(deviation / want - 1) < 5 / Math.sqrt(2 * LENGTH), `${deviation} of ${want}`);
  const moved = OPTIONS.clip / Math.sqrt(LENGTH);
  assert(Math.abs(mean - moved) < 5 * want / Math.sqrt(LENGTH));
  const { privacy } = report;
  assertEquals([privacy?.mechanism, privacy?.releases, privacy?.clientsLeast], [
    "distributed",
    1,
    3,
  ]);
  assertEquals(privacy?.epsilon, zcdpEpsilon(1 / (2 * 3 ** 2), 1e-5));
  assert(!JSON.stringify(report).includes("0.98765"));
  // Five masked updates of four bytes a value, and some keys and shares.
  const { bytesUp = 0 } = report.rounds[0] ?? {};
  assert(bytesUp > 20 * LENGTH && bytesUp < 22 * LENGTH + 20_000, `${bytesUp}`);
});

Deno.test("a run ends before the round that its clients have no budget for", async () => {
  const { report } = await run(new DistributedPrivacy({ ...OPTIONS, rounds: 1 }), 2);
  assertEquals(report.rounds.length, 1);
  assert(report.stopped?.reason.includes("the privacy budget is spent"), report.stopped?.reason);
  assertEquals(report.privacy?.participationsMost, 1);
});

Deno.test("noise for an epsilon is that of the rounds that a client is in", () => {
  const { noise: _, ...rest } = OPTIONS;
  const { privacy } = new DistributedPrivacy({ ...rest, rounds: 4, epsilon: 8 });
  const { epsilon = NaN, noise } = privacy.announced;
  assert(Math.abs(epsilon - 8) < 1e-6);
  assert(Math.abs(zcdpEpsilon(4 / (2 * noise ** 2), 1e-5) - 8) < 1e-6);
});

Deno.test("distributed noise needs secure aggregation, and options that guarantee something", () => {
  const options = { manifest: MANIFEST, parameters: new Float32Array(LENGTH) };
  assertThrows(
    () => new SyncParameterServerHandler({ ...options, strategy: new DistributedPrivacy(OPTIONS) }),
    RangeError,
    "expected secure aggregation with dp-distributed, got none",
  );
  for (
    const [changes, reason] of [
      [{ noise: 0 }, "a noise multiplier from 0.05"],
      [{ clip: 0 }, "a finite clip above 0"],
      [{ clip: Infinity }, "a finite clip above 0"],
      [{ epsilon: 1 }, "expected epsilon or noise, got both"],
      [{ threshold: 6 }, "sums of 1 to 5 updates"],
      [{ delta: 0 }, "a delta above 0"],
      [{ colluding: 1 }, "a colluding share"],
    ] as const
  ) assertThrows(() => new DistributedPrivacy({ ...OPTIONS, ...changes }), RangeError, reason);
  const { warnings } = new DistributedPrivacy({ ...OPTIONS, delta: 0.5 });
  assert(warnings[0]?.includes("above 1 / 5 clients"));
  const text = "distributed:epsilon=8,delta=1e-5,clip=0.1";
  assertEquals(parsePrivateRun(text).mechanism, "distributed");
  assertThrows(() => parsePrivateRun("distributed:epsilon=8"), RangeError, "expected delta");
  assertThrows(() => parsePrivateRun(`${text},bands=2`), RangeError, "one of the options");
  assertThrows(() => parsePrivateRun("laplace:noise=1"), RangeError, "fedavg, distributed, got");
  assertEquals(parsePrivateRun("ftrl:epsilon=8,delta=1e-5").mechanism, "ftrl");
});

Deno.test("a client refuses a ring, a threshold or a share that its noise is not for", () => {
  const members = new DistributedPrivacy(OPTIONS).privacy.members?.();
  const settings = secureSettings({ minMembers: 5 }, members), { noise } = settings;
  assert(privateShareOf(settings) !== undefined && noise !== undefined);
  assertEquals(privateShareOf(secureSettings({})), undefined);
  for (
    const changes of [
      { clip: settings.clip * 2 },
      { maxLoss: 1 },
      { maxSamples: 2 },
      { rounding: "random" as const },
      { noise: { ...noise, noise: noise.noise / 16 } },
      { noise: { ...noise, fewest: noise.fewest + 1 } },
      { noise: { ...noise, fewest: 5 } },
      { noise: { ...noise, noise: 0.001 } },
    ]
  ) {
    assertThrows(
      () => privateShareOf({ ...settings, ...changes }),
      ProtocolError,
      "Cannot join",
      JSON.stringify(changes),
    );
  }
  checkThreshold({ threshold: 4 }, settings);
  assertThrows(
    () => checkThreshold({ threshold: 3 }, settings),
    SecureError,
    "for which the noise",
  );
});

Deno.test("an account goes on in the run that resumes", () => {
  const first = new DistributedPrivacy(OPTIONS), second = new DistributedPrivacy(OPTIONS);
  first.privacy.charge?.([1, 2, 3, 4, 5]);
  first.privacy.charge?.([1, 2, 3, 4, 5]);
  second.restore(JSON.parse(JSON.stringify(first.save())));
  assertEquals(second.privacy.report.releases, 2);
  assert(second.privacy.stopReason(5)?.includes("the privacy budget is spent"));
  const other = new DistributedPrivacy({ ...OPTIONS, noise: 4, then: new FedAvg() });
  assertThrows(() => other.restore(first.save()), RangeError, "expected the noise");
  const fewer = new DistributedPrivacy({ ...OPTIONS, colluding: 0.5 });
  assertThrows(() => fewer.restore(first.save()), RangeError, "expected the fewest");
});
