/**
 * The contract of a rule: the clients' side of an algorithm.
 *
 * @module
 */

import { stats } from "../../params/kernels.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { CannotTrainError } from "../cannot_train.ts";
import type { v } from "../deps.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../results.ts";

/** A client in one round, as its rule sees it. */
export interface RuleClient {
  /** Layout of the parameter vector. */
  readonly manifest: Manifest;
  /** The model's state: getting gives a view, setting copies the values in. */
  parameters: ParameterVector;
  /** The round's global parameters, for a rule with {@linkcode Rule.keepsState}. */
  readonly global: ParameterVector;
  /**
   * The server's second vector, for a rule with {@linkcode Rule.takesControl}; zeros by default.
   */
  readonly control: ParameterVector;
  /** The vector that the client has kept since an earlier round. */
  readonly own: ParameterVector | undefined;
}

/** Changes that a rule makes to the gradient of each step. */
export interface RuleCorrection {
  /**
   * Strength of the proximal term, in place of the plan's: add {@linkcode RuleTraining.proximal} to
   * keep that.
   */
  readonly proximal?: number;
  /** Vector added to the gradient. */
  readonly correction?: ParameterVector;
  /** True where adapters may have a lower rank than the model's. */
  readonly lowerRanks?: boolean;
}

/** A client that trains in one round, as its rule sees it. */
export interface RuleTraining extends RuleClient {
  /** Step size of the plan. */
  readonly learningRate: number;
  /** Strength of the plan's proximal term. */
  readonly proximal: number;
  /** Trains the model in place by the plan, with these changes. */
  train(changes?: RuleCorrection): Promise<TrainResult>;
  /** Gives the gradient of the mean loss at the present parameters. */
  gradient(): Promise<GradientResult>;
  /** Evaluates the model on its training data. */
  evaluateTraining(): Promise<EvaluateResult>;
  /** Proposes the vector to keep, which counts once the server has taken the round's update. */
  keep(vector: ParameterVector): void;
  /** Sets the vector to send in place of the model's parameters. */
  send(vector: ParameterVector): void;
}

/** A rule: the clients' side of an algorithm, with the settings that are sent to them. */
export interface Rule<Settings extends { readonly name: string }> {
  /** Check of the settings that come from the wire. */
  readonly schema: v.GenericSchema<Settings>;
  /** `true` if a client keeps a vector from round to round. */
  readonly keepsState: boolean;
  /** `true` if the server sends a second vector with the parameters. */
  readonly takesControl: boolean;
  /** `true` if the client sends a gradient in place of parameters. */
  readonly sendsGradient: boolean;
  /**
   * `true` if the rule is one half of an algorithm, so that the strategy must be the other half and
   * must see the updates unchanged.
   */
  readonly needsStrategy: boolean;
  /**
   * Checks that the rule goes with the model. Settings that it does not go with are listed in
   * `plan/compatibility`.
   *
   * @throws {RangeError} If it does not.
   */
  check?(rule: Settings, manifest: Manifest): void;
  /**
   * Returns the places of the tensors that stay on the clients: neither side sends their values.
   *
   * @throws {RangeError} If the rule does not go with the model.
   */
  stays?(rule: Settings, manifest: Manifest): (readonly [from: number, to: number])[];
  /**
   * Changes the model's parameters after the round's were loaded; called for a rule with
   * {@linkcode Rule.keepsState}.
   */
  load?(rule: Settings, client: RuleClient): void;
  /** Trains for one round. */
  train(rule: Settings, client: RuleTraining): Promise<TrainResult>;
  /** Changes the model's parameters before the client evaluates. */
  beforeEvaluate?(rule: Settings, client: RuleClient): void;
}

/**
 * Checks that a vector which a rule adds or keeps is finite.
 *
 * @param name The vector, as the error names it.
 * @throws {CannotTrainError} If it is not.
 */
export function checkFinite(vector: ParameterVector, name: string): void {
  const { nonFinite } = stats(vector);
  if (nonFinite === 0) return;
  throw new CannotTrainError(
    `Cannot train on these parameters: expected ${name} to be finite, got ${nonFinite} of ${vector.length} values that are not`,
  );
}
