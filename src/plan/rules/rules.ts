/**
 * Rules by name: the clients' sides of algorithms such as SCAFFOLD.
 *
 * @module
 */

import type { Manifest } from "../../params/manifest.ts";
import { v } from "../deps.ts";
import type { Rule } from "./rule.ts";
import { type LocalRule, TABLE } from "./table.ts";

export type { LocalRule } from "./table.ts";

/** The rules by name. */
const RULES: Readonly<Record<LocalRule["name"], Rule<LocalRule>>> = TABLE;

/** Check of a rule that comes from the wire. */
export const localRuleSchema = v.variant("name", Object.values(TABLE).map(({ schema }) => schema));

/** Looks up the rule of these settings. */
export function ruleOf({ name }: LocalRule): Rule<LocalRule> {
  return RULES[name];
}

/** Reports whether a client keeps a vector of its own from round to round. */
export function keepsState(rule: LocalRule | undefined): boolean {
  return rule !== undefined && ruleOf(rule).keepsState;
}

/** Reports whether the server sends a second vector with the parameters. */
export function takesControl(rule: LocalRule | undefined): boolean {
  return rule !== undefined && ruleOf(rule).takesControl;
}

/** Reports whether clients send gradients in place of parameters. */
export function sendsGradient(rule: LocalRule | undefined): boolean {
  return rule !== undefined && ruleOf(rule).sendsGradient;
}

/**
 * Checks that a rule goes with the model.
 *
 * @throws {RangeError} If it does not.
 */
export function checkRule(rule: LocalRule | undefined, manifest: Manifest): void {
  if (rule) ruleOf(rule).check?.(rule, manifest);
}
