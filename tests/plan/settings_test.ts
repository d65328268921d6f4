import { assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  Ditto,
  FedAdam,
  FedDyn,
  FedPer,
  FedProx,
  FedSGD,
  Manifest,
  Scaffold,
  type Strategy,
  SyncParameterServerHandler,
  type TrainSettings,
} from "../../mod.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const manifest = Manifest.of([{ name: "head/w", shape: [1] }]);

/** The plan of a server. */
function planned(plan: Partial<TrainSettings>, strategy?: Strategy): TrainSettings {
  const options = { manifest, parameters: new Float32Array(1), plan };
  return new SyncParameterServerHandler({ ...options, ...(strategy && { strategy }) }).plan;
}

for (
  const [strategy, plan, message] of [
    [new Scaffold(), { momentum: 0.9 }, "scaffold does not go with momentum at the clients"],
    [
      new FedProx({ mean: new Scaffold() }),
      { optimizer: "adam" },
      "scaffold does not go with Adam",
    ],
    [new Scaffold(), { learningRate: 0 }, "expected a learning rate above 0, got 0"],
    [new Ditto(), { keepMomentum: true, momentum: 0.5 }, "two models cannot keep one momentum"],
    [
      new FedPer({ local: ["nosuch/"] }),
      {},
      'expected the beginning of one of head/w, got "nosuch/"',
    ],
    [
      undefined,
      { rule: { name: "scaffold" } },
      "the server's half of the rule scaffold, got fedavg",
    ],
    [new Ditto(), { rule: { name: "feddyn", alpha: 1 } }, "half of the rule feddyn, got ditto"],
    [
      new FedDyn(),
      { rule: { name: "feddyn", alpha: 1 } },
      '"alpha":0.01}, got {"name":"feddyn","alpha":1}',
    ],
    [
      new Scaffold(),
      { rule: { name: "ditto", lambda: 1 } },
      "the plan's rule to be that of scaffold",
    ],
    [new FedProx({ mu: 0.1 }), { proximal: 0.5 }, "proximal to be that of fedprox, 0.1, got 0.5"],
  ] as const
) {
  Deno.test(`SyncParameterServerHandler refuses ${strategy?.name ?? "fedavg"} with ${JSON.stringify(plan)}`, () => {
    assertThrows(() => planned(plan, strategy), RangeError, message);
  });
}

for (
  const [setting, message] of [
    [{ plan: { epochs: 0 } }, "expected a whole number of epochs from 1, got 0"],
    [{ plan: { batchSize: 1.5 } }, "expected a batch size from 0, a whole number, got 1.5"],
    [{ plan: { learningRate: NaN } }, "expected a learning rate from 0, got NaN"],
    [{ plan: { learningRate: 0 } }, "expected a learning rate above 0, got 0"],
    [{ plan: { nesterov: true } }, "Nesterov's momentum does not go with a momentum of 0"],
    [{ seed: -1 }, "Cannot use the seed: expected an integer from 0 to 4294967295, got -1"],
    [{ seed: 1.5 }, "got 1.5"],
  ] as const
) {
  Deno.test(`servers refuse ${JSON.stringify(setting)}, which no client could take`, () => {
    const options = { manifest, parameters: new Float32Array(1), ...setting };
    assertThrows(() => new SyncParameterServerHandler(options), RangeError, message);
    assertThrows(() => new AsyncParameterServerHandler(options), RangeError, message);
  });
}

for (
  const [plan, got] of [
    [{ optimizer: "adam" }, "Adam"],
    [{ momentum: 0.5 }, "momentum"],
    [{ weightDecay: 0.1 }, "weight decay"],
    [{ proximal: 0.2 }, "a proximal term"],
  ] as const
) {
  Deno.test(`SyncParameterServerHandler refuses fedsgd with ${JSON.stringify(plan)}, which would do nothing`, () => {
    assertThrows(() => planned(plan, new FedSGD()), RangeError, `does not go with ${got}`);
  });
}

Deno.test("AsyncParameterServerHandler refuses rules without a server's half, and those that its model does not fit", () => {
  for (
    const [rule, message] of [
      [{ name: "scaffold" }, "the server's half of the rule scaffold, got fedasync"],
      [{ name: "feddyn", alpha: 1 }, "the server's half of the rule feddyn, got fedasync"],
      [{ name: "fedper", local: ["tail/"] }, 'got "tail/"'],
    ] as const
  ) {
    const options = { manifest, parameters: new Float32Array(1), plan: { rule } };
    assertThrows(() => new AsyncParameterServerHandler(options), RangeError, message);
  }
});

Deno.test("FedProx pulls as its mu or the plan's proximal says, by default by 0.01", () => {
  assertEquals(planned({}, new FedProx()).proximal, 0.01);
  assertEquals(planned({ proximal: 0 }, new FedProx()).proximal, 0.01);
  assertEquals(planned({ proximal: 0.5 }, new FedProx()).proximal, 0.5);
  assertEquals(planned({ proximal: 0.5 }, new FedProx({ mu: 0.5 })).proximal, 0.5);
  assertEquals(planned({}, new FedProx({ mu: 0 })).proximal, 0);
  for (const [mu, pull] of [[undefined, 0.01], [0.2, 0.2]] as const) {
    const inner = new FedProx(mu === undefined ? {} : { mu });
    assertEquals(planned({}, new FedAdam({ mean: inner })).proximal, pull);
    assertEquals(planned({}, new Ditto({ mean: inner })).proximal, pull);
  }
  assertEquals(planned({ proximal: 0.5 }, new FedAdam({ mean: new FedProx() })).proximal, 0.5);
});

Deno.test("demo refuses a fedprox that says other than --proximal, in one line", () =>
  inFolder(async (folder) => {
    const args = ["--transport", "memory", "--strategy", "fedprox:mu=0.1", "--proximal", "0.5"];
    const { code, stderr } = await runCommand("demo", args, folder);
    assertEquals(code, 1);
    assertMatch(stderr, /^[^\n]*the plan's proximal to be that of fedprox, 0.1, got 0.5\n$/);
  }));
