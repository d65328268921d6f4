import { assertEquals } from "jsr:@std/assert@1.0.19";
import { v } from "../../src/plan/deps.ts";
import type { LocalRule } from "../../mod.ts";
import { keepsState, takesControl } from "../../src/plan/mod.ts";
import { localRuleSchema, ruleOf, sendsGradient } from "../../src/plan/rules/rules.ts";

const RULES: readonly LocalRule[] = [
  { name: "scaffold" },
  { name: "feddyn", alpha: 0.1 },
  { name: "ditto", lambda: 0 },
  { name: "fedper", local: ["logits/"] },
  { name: "gradient" },
  { name: "initial-loss" },
  { name: "flex" },
];

Deno.test("localRuleSchema takes every rule, and refuses another field, a bad one and another name", () => {
  for (const rule of RULES) {
    assertEquals(v.parse(localRuleSchema, rule), rule);
    assertEquals(v.is(localRuleSchema, { ...rule, other: 1 }), false);
  }
  for (
    const wrong of [
      { name: "feddyn", alpha: 0 },
      { name: "feddyn" },
      { name: "ditto", lambda: -1 },
      { name: "fedper", local: [] },
      { name: "fedavg" },
      {},
    ]
  ) {
    assertEquals(v.is(localRuleSchema, wrong), false);
  }
});

Deno.test("each rule says what its clients keep, receive and send, and whether its strategy must match", () => {
  const names = (has: (rule: LocalRule) => boolean) => RULES.filter(has).map(({ name }) => name);
  assertEquals(names(keepsState), ["scaffold", "feddyn", "ditto", "fedper"]);
  assertEquals(names(takesControl), ["scaffold"]);
  assertEquals(names(sendsGradient), ["gradient"]);
  assertEquals(names((rule) => ruleOf(rule).needsStrategy), [
    ...["scaffold", "feddyn", "gradient", "flex"],
  ]);
  assertEquals([keepsState(undefined), takesControl(undefined)], [false, false]);
});
