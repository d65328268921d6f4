import { assertEquals } from "jsr:@std/assert@1.0.19";
import {
  FedAdam,
  FedAvg,
  FedNova,
  FedProx,
  NormClipping,
  parseStrategy,
  QFedAvg,
  type Strategy,
  STRATEGY_NAMES,
} from "../../src/strategy/mod.ts";
import { contributorOf } from "../../src/strategy/sums/contributor.ts";

const NEEDED: Readonly<Record<string, string>> = {
  fedper: "fedper:local=bias",
  "norm-clipping": "norm-clipping:bound=2",
};

/** Information on a round. */
const plan = {
  ...{ epochs: 1, batchSize: 0, learningRate: 0.5, momentum: 0, weightDecay: 0 },
  keepMomentum: false,
};
const info = { round: 1, numClients: 9, plan, aggregation: "exact" } as const;

Deno.test("contributorOf() names a strategy whose contributions are the same", () => {
  const global = Float32Array.of(1, -2, 3);
  const figures = { rank: 1, numSamples: 30, steps: 4, loss: 1, metrics: { initialLoss: 2 } };
  const contributionOf = (strategy: Strategy) => {
    const update = { ...figures, parameters: Float32Array.of(4, 5, -6) };
    const made = strategy.sumRound?.(global, info).contribution(update);
    return structuredClone(made);
  };
  for (const name of STRATEGY_NAMES) {
    const strategy = parseStrategy(NEEDED[name] ?? name), contributor = contributorOf(strategy);
    assertEquals(contributor === undefined, strategy.sums === undefined, name);
    if (contributor === undefined) continue;
    const other = parseStrategy(contributor);
    assertEquals(other.sums, strategy.sums, name);
    assertEquals(contributionOf(other), contributionOf(strategy), name);
  }
});

Deno.test("contributorOf() keeps the options that contributions depend on", () => {
  const cases: readonly (readonly [Strategy, string | undefined])[] = [
    [new QFedAvg({ q: 0.7, learningRate: 0.1 }), "qfedavg:q=0.7,learningRate=0.1"],
    [new FedNova({ momentum: 0.9 }), "fednova:momentum=0.9"],
    [new FedAdam({ mean: new FedNova() }), "fednova"],
    [new FedProx({ mean: new NormClipping({ bound: 2 }) }), "norm-clipping:bound=2"],
    [new NormClipping({ bound: 2, mean: new FedNova() }), undefined],
    [new FedAdam({ mean: parseStrategy("median") }), undefined],
  ];
  for (const [strategy, expected] of cases) assertEquals(contributorOf(strategy), expected);
});

Deno.test("contributorOf() does not hold for a subclass that counts updates otherwise", () => {
  class Checked extends FedAvg {
    check(): void {}
  }
  class Summed extends FedAvg {
    override sumRound(): ReturnType<FedAvg["sumRound"]> {
      return super.sumRound();
    }
  }
  class Named extends FedAvg {
    override get contributor(): string {
      return "fedavg";
    }
    check(): void {}
  }
  class Same extends FedAvg {}
  assertEquals(contributorOf(new Checked()), undefined);
  assertEquals(contributorOf(new FedAdam({ mean: new Summed() })), undefined);
  assertEquals(contributorOf(new Named()), "fedavg");
  assertEquals(contributorOf(new Same()), "fedavg");
  const own = Object.assign(new FedAvg(), { check: () => {} });
  assertEquals(contributorOf(own), undefined);
});
