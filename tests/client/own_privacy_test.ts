import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  ClientBackendHandler,
  type ClientEvent,
  ClientSyncTop,
  Ditto,
  type EvaluateResult,
  FedAvg,
  FedSGD,
  Manifest,
  ProtocolError,
  QFedAvg,
  type RunReport,
  Scaffold,
  type ServerEvent,
  ServerSyncTop,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  type TrainResult,
} from "../../mod.ts";
import { describeRecommendation } from "../../src/client/session/describe_join.ts";
import type { ClientPrivacy } from "../../src/train/client_privacy.ts";
import { CentralPrivacy, DPSGD, LocalPrivacy, PrivacyBudgetError } from "../../src/privacy/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = Manifest.of([{ name: "w", shape: [2] }]);
const OPTIONS = { noise: 1, delta: 1e-5, clip: 1 };

/** Client of fixed figures that may keep its data private. */
class Figures extends ClientBackendHandler {
  readonly manifest = MANIFEST;
  readonly numSamples = 4321;
  readonly #privacy: ClientPrivacy | undefined;
  #parameters = new Float32Array(2);

  constructor(privacy: ClientPrivacy | undefined) {
    super();
    this.#privacy = privacy;
  }

  override get privacy(): ClientPrivacy | undefined {
    return this.#privacy;
  }

  get parameters(): Float32Array<ArrayBuffer> {
    return this.#parameters;
  }

  set parameters(vector: Float32Array) {
    this.#parameters.set(vector);
  }

  async train(): Promise<TrainResult> {
    const { numSamples: records } = this;
    await this.privacy?.records?.begin({ steps: 1234, batchSize: 10, records, dimension: 2 });
    this.#parameters.fill(0.5);
    return { numSamples: records, steps: 1234, loss: 0.98765, metrics: { f1: 0.75 } };
  }

  evaluate(): Promise<EvaluateResult> {
    return Promise.resolve({ numSamples: this.numSamples, loss: 0.98765, accuracy: 0.5 });
  }
}

interface Outcome {
  report: RunReport;
  events: ServerEvent[];
  own: ClientEvent[];
  model: Float32Array;
  warnings: string[];
}

async function run(
  privacies: readonly (ClientPrivacy | undefined)[],
  { strategy = new FedAvg(), rounds = 2 }: { strategy?: Strategy; rounds?: number } = {},
): Promise<Outcome> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const serverAddr = `own-privacy-${crypto.randomUUID()}`;
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(2),
    strategy,
  });
  const events: ServerEvent[] = [], own: ClientEvent[] = [], warnings: string[] = [];
  const server = new ServerSyncTop(handler, {
    ...group,
    logger: { ...silentLogger, warn: (text) => warnings.push(text) },
    listen: serverAddr,
    worldSize: privacies.length + 1,
    rounds,
    onEvent: (event) => events.push(event),
  });
  const stop = new AbortController();
  const clients = privacies.map((privacy, i) =>
    new ClientSyncTop(new Figures(privacy), {
      ...group,
      serverAddr,
      rank: i + 1,
      onEvent: (event) => own.push(event),
    }).run({ signal: stop.signal })
  );
  const running = server.run({ signal: stop.signal });
  running.catch(() => {});
  try {
    await Promise.all(clients);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled([running, ...clients]);
    throw error;
  }
  return { report: await running, events, own, model: handler.parameters.slice(), warnings };
}

for (
  const [name, make] of [
    ["DPSGD", () => new DPSGD(OPTIONS)],
    ["LocalPrivacy", () => new LocalPrivacy(OPTIONS)],
  ] as const
) {
  Deno.test(`a client with ${name} tells its server no figure of its data`, async () => {
    const { report, events, own } = await run([make(), make()]);
    const told = JSON.stringify([report, events]);
    for (const secret of ["4321", "1234", "0.98765", "0.75"]) {
      assert(!told.includes(secret), `${secret} in ${told}`);
    }
    assertEquals(report.rounds.map(({ received }) => received), [2, 2]);
    const trained = own.flatMap((event) => event.type === "trained" ? [event] : []);
    assertEquals(trained.length, 4);
    for (const { result, privacy } of trained) {
      assertEquals([result.numSamples, result.loss], [4321, 0.98765]);
      assert((privacy?.epsilon ?? 0) > 0);
    }
  });

  Deno.test(`a client with ${name} leaves when its budget is spent, and says so`, async () => {
    const privacy = name === "DPSGD"
      ? new DPSGD({ ...OPTIONS, epsilon: 2 })
      : new LocalPrivacy({ ...OPTIONS, noise: 4, epsilon: 5 });
    const error = await assertRejects(() => run([privacy], { rounds: 50 }), PrivacyBudgetError);
    assert(error.message.includes("The privacy budget of this client is spent"));
    assert(
      (privacy.report.epsilon ?? Infinity) <= (name === "DPSGD" ? 2 : 5) &&
        privacy.report.releases > 0,
    );
  });

  Deno.test(`a client with ${name} refuses algorithms that would tell more`, async () => {
    for (const strategy of [new FedSGD(), new QFedAvg({ q: 1 })]) {
      const error = await assertRejects(() => run([make()], { strategy }), ProtocolError);
      assert(error.message.includes("does not go with"), error.message);
    }
    const strategy = name === "DPSGD" ? new Ditto() : new Scaffold();
    const error = await assertRejects(() => run([make()], { strategy }), ProtocolError);
    assert(error.message.startsWith("Cannot join: "), error.message);
  });
}

Deno.test("a server can recommend privacy, which a client without any logs", () => {
  const recommended = { clientPrivacy: "record:epsilon=8,delta=1e-5,clip=1" };
  const text = describeRecommendation(recommended, false);
  assert(text?.includes("recommends --client-privacy record:epsilon=8"), text);
  assertEquals(describeRecommendation(recommended, true), undefined);
  assertEquals(describeRecommendation({}, false), undefined);
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(2),
  });
  const options = { listen: "x", worldSize: 2, rounds: 1, clientPrivacy: "a\nb" };
  assertThrows(() => new ServerSyncTop(handler, options), RangeError, "one line");
});

Deno.test("the noise of a client is in what the server gets", async () => {
  const { model } = await run([new LocalPrivacy(OPTIONS)], { rounds: 1 });
  assert(model.every((value) => value !== 0.5 && value !== 0), `${model}`);
  const { model: same } = await run([new LocalPrivacy(OPTIONS)], { rounds: 1 });
  assert(model.some((value, i) => value !== same[i]));
});

Deno.test("a server warns once of a private client beside clients that count as many samples", async () => {
  const mixed = (warnings: readonly string[]) =>
    warnings.filter((text) => text.includes("keeps its data private"));
  const make = () => new LocalPrivacy(OPTIONS);
  const { warnings, report } = await run([undefined, make(), undefined, make()]);
  assertEquals(report.rounds.length, 2);
  const [text = "", ...more] = mixed(warnings);
  assert(/^Rank [24] keeps .* counts as 1 sample, .* such as rank [13], count/.test(text), text);
  assertEquals(more, []);
  assertEquals(mixed((await run([make(), make()])).warnings), []);
  assertEquals(mixed((await run([undefined, undefined])).warnings), []);
  // There all updates count alike.
  const plan = { delta: 1e-5, rounds: 2, clients: 2, cohort: 2, noise: 1 };
  const strategy = new CentralPrivacy({ mechanism: "ftrl", ...plan });
  assertEquals(mixed((await run([undefined, make()], { strategy })).warnings), []);
});
