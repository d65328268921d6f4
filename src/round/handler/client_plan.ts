import type { Manifest } from "../../params/manifest.ts";
import { checkRule, type LocalRule, ruleOf, sendsGradient } from "../../plan/rules/rules.ts";
import { checkSettings, type TrainSettings } from "../../plan/settings.ts";
import type { ServerStrategy } from "./server_strategy.ts";

/** Default training settings: one epoch of plain SGD, batches of 10, learning rate 0.1. */
export const DEFAULT_PLAN: TrainSettings = {
  epochs: 1,
  batchSize: 10,
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
};

/** Beginning of the message of an error about a server's options. */
export const NO_SERVER = "Cannot make a server";

/**
 * Merges the clients' settings: the strategy's own settings override those given, which override
 * the defaults.
 *
 * @throws {RangeError} If a setting is out of range, a rule does not fit the other settings, the
 * model or the strategy, or a given setting contradicts the strategy.
 */
export function resolvePlan(
  given: Partial<TrainSettings>,
  strategy: ServerStrategy,
  manifest: Manifest,
): TrainSettings {
  const { name, clientSettings = {} } = strategy;
  const { defaults, ...settings } = clientSettings;
  checkStrategy(given.rule, settings.rule, name);
  // A proximal term of 0 means the same as none.
  const { proximal, ...rest } = given;
  const wanted = { ...rest, ...(proximal !== undefined && proximal !== 0 && { proximal }) };
  checkAgreed("rule", wanted, settings, name);
  checkAgreed("proximal", wanted, settings, name);
  const plan = { ...DEFAULT_PLAN, ...defaults, ...wanted, ...settings };
  checkSettings(plan, NO_SERVER);
  if (plan.learningRate === 0) {
    throw new RangeError(`${NO_SERVER}: expected a learning rate above 0, got 0`);
  }
  checkRule(plan.rule, manifest);
  strategy.checkPlan?.(plan);
  return plan;
}

/**
 * Throws a `RangeError` if the rule is one half of an algorithm and the strategy is not the other.
 */
function checkStrategy(
  given: LocalRule | undefined,
  ofStrategy: LocalRule | undefined,
  name: string,
): void {
  if (!given || !ruleOf(given).needsStrategy || ofStrategy?.name === given.name) return;
  throw new RangeError(
    `${NO_SERVER}: expected a strategy ${
      sendsGradient(given)
        ? "that takes gradients"
        : `with the server's half of the rule ${given.name}`
    }, got ${name}`,
  );
}

/** Throws a `RangeError` when the user and the strategy give a setting different values. */
function checkAgreed(
  key: "rule" | "proximal",
  given: Partial<TrainSettings>,
  settings: Partial<TrainSettings>,
  name: string,
): void {
  const [mine, theirs] = [given[key], settings[key]].map((value) => JSON.stringify(value));
  if (mine === undefined || theirs === undefined || mine === theirs) return;
  throw new RangeError(
    `${NO_SERVER}: expected the plan's ${key} to be that of ${name}, ${theirs}, got ${mine}`,
  );
}
