/**
 * The table of rules: the clients' sides of algorithms such as SCAFFOLD.
 *
 * @module
 */

import type { Manifest } from "../../params/manifest.ts";
import { v } from "../deps.ts";
import { ditto, type DittoRule } from "./ditto.ts";
import { feddyn, type FedDynRule } from "./feddyn.ts";
import { fedper, type FedPerRule } from "./fedper.ts";
import { gradient, type GradientRule } from "./gradient.ts";
import { initialLoss, type InitialLossRule } from "./initial_loss.ts";
import type { Rule, RuleSettings } from "./rule.ts";
import { scaffold, type ScaffoldRule } from "./scaffold.ts";

/**
 * Rule that clients follow beyond descending on their own loss, sent with the settings of training.
 *
 * In the equations of the rules, `x` are the round's global parameters and `y` the client's after
 * `K` steps of size `η`.
 */
export type LocalRule =
  | ScaffoldRule
  | FedDynRule
  | DittoRule
  | FedPerRule
  | GradientRule
  | InitialLossRule;

const TABLE = {
  "scaffold": scaffold,
  "feddyn": feddyn,
  "ditto": ditto,
  "fedper": fedper,
  "gradient": gradient,
  "initial-loss": initialLoss,
} satisfies { readonly [Name in LocalRule["name"]]: Rule<Extract<LocalRule, { name: Name }>> };

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
 * Checks that the rule of these settings goes with the others, as far as they are given, and with
 * the model.
 *
 * @throws {RangeError} If it does not.
 */
export function checkRule(
  settings: RuleSettings & { readonly rule?: LocalRule },
  manifest: Manifest,
): void {
  const { rule } = settings;
  if (rule) ruleOf(rule).check?.(rule, settings, manifest);
}
