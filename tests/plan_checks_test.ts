import { assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  Ditto,
  FedAdam,
  FedDyn,
  FedPer,
  FedProx,
  Manifest,
  Scaffold,
  type Strategy,
  SyncParameterServerHandler,
  type TrainSettings,
} from "../mod.ts";
import { inFolder, runCommand } from "./_command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const manifest = Manifest.of([{ name: "head/w", shape: [1] }]);

/** The plan of a server. */
function planned(plan: Partial<TrainSettings>, strategy?: Strategy): TrainSettings {
  const options = { manifest, parameters: new Float32Array(1), plan };
  return new SyncParameterServerHandler({ ...options, ...(strategy && { strategy }) }).plan;
}

for (
  const [strategy, plan, message] of [
    [new Scaffold(), { momentum: 0.9 }, "expected SGD without momentum, got sgd with momentum 0.9"],
    [new FedProx({ mean: new Scaffold() }), { optimizer: "adam" }, "got adam with momentum 0"],
    [new Scaffold(), { learningRate: 0 }, "expected a learning rate above 0, got 0"],
    [new Ditto(), { keepMomentum: true }, "two models cannot keep one momentum"],
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
