import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@1.0.19";
import * as fedlab from "../../mod.ts";
import { parseAsyncStrategy, parseStrategy, type Strategy, strategyOf } from "../../mod.ts";
import { ASYNC_STRATEGY_NAMES, STRATEGY_NAMES } from "../../src/strategy/mod.ts";
import { roundOf, updateOf } from "../../src/testing/strategy/updates.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function make(name: string): Strategy {
  const options = name === "norm-clipping" ? { bound: 1 } : {};
  const texts = name === "fedper" ? { local: "logits/" } : {};
  return strategyOf(name, options, texts);
}

Deno.test("strategyOf() makes each strategy that it knows, under its own name", () => {
  for (const name of STRATEGY_NAMES) assertEquals(make(name).name, name);
});

Deno.test("docs/STRATEGIES.md names every strategy, and its class is exported", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/STRATEGIES.md", import.meta.url));
  const strategies = [...STRATEGY_NAMES.map(make), ...ASYNC_STRATEGY_NAMES.map(parseAsyncStrategy)];
  const exported = new Map<string, unknown>(Object.entries(fedlab));
  for (const { name, constructor } of strategies) {
    assertEquals(exported.get(constructor.name), constructor);
    assertStringIncludes(page, `\`${name}\``);
    assertStringIncludes(page, `\`${constructor.name}\``);
  }
});

Deno.test("parseStrategy() reads a name and its options, and they count", () => {
  const step = (text: string) => {
    const update = updateOf(1, new Float32Array([1]));
    return roundOf(parseStrategy(text), new Float32Array(1), [update])[0];
  };
  assertEquals(step("fedavg"), 1);
  assertEquals(step("fedavgm:learningRate=0.25"), 0.25);
  assertEquals(step("fedavgm:lr=0.25,momentum=0"), 0.25);
  assertEquals(step(" fedavgm : lr = 2.5e-1 , momentum = 0 "), 0.25);
  assertEquals(step("norm-clipping:bound=0.5"), 0.5);
});

Deno.test("parseStrategy() says what it expected", () => {
  const error = (text: string, kind: ErrorConstructor, message: string) =>
    assertThrows(() => parseStrategy(text), kind, message);
  error("fedmax", RangeError, `expected one of ${STRATEGY_NAMES.join(", ")}, got fedmax`);
  error("constructor", RangeError, "got constructor");
  error("fedadam:rate=1", RangeError, "learningRate, beta1, beta2, tau, got rate");
  error("fedadam:lr=x", RangeError, "expected learningRate to be a number, got x");
  error("fedper:local=", SyntaxError, "expected name");
  error("median:f=1", RangeError, "Cannot make median: expected no options, got f");
  error(
    "krum:attackers=0.5",
    RangeError,
    "expected attackers to be a whole number from 0, got 0.5",
  );
  error("norm-clipping", RangeError, "expected a bound, as in norm-clipping:bound=5, got none");
  for (const part of ["", "lr", "lr=", "lr=1,", "lr=1,learningRate=1", "lr=1 tau=2"]) {
    error(
      `fedadam:${part}`,
      SyntaxError,
      `Cannot read the strategy fedadam:${part}: expected name`,
    );
  }
});
