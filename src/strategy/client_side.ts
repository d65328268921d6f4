/**
 * Algorithms whose difference is on the clients' side.
 *
 * @module
 */

import type { ParameterVector } from "../params/manifest.ts";
import type { TrainSettings } from "../plan/settings.ts";
import { checked } from "./check.ts";
import { nameOf } from "./working.ts";
import { FedAvg } from "./averaging/fedavg.ts";
import type {
  ClientSettings,
  ClientUpdate,
  RoundInfo,
  Strategy,
  StrategyRound,
  StrategyState,
} from "./strategy.ts";

/** How the updates of clients with a rule of their own are aggregated. */
export interface ClientSideOptions {
  /** Makes one vector of the updates. Default `new FedAvg()`. */
  mean?: Strategy;
}

/** A strategy that changes how clients train, and aggregates as another does. */
export abstract class ClientSideStrategy implements Strategy {
  /** The algorithm's name; of another mean than FedAvg also that one's. */
  readonly name: string;
  /** What the clients are to do. */
  readonly clientSettings: ClientSettings;
  /** As many as the mean needs. */
  readonly workingVectors: number;
  readonly #mean: Strategy;

  /** Joins the clients' settings and a mean. Throws a `RangeError` when both have a rule for the clients. */
  constructor(
    name: string,
    settings: ClientSettings,
    { mean = new FedAvg() }: ClientSideOptions = {},
  ) {
    if (settings.rule && mean.clientSettings?.rule) {
      throw new RangeError(
        `Cannot make ${name} of ${mean.name}: its clients cannot follow the rules ${settings.rule.name} and ${mean.clientSettings.rule.name} at once`,
      );
    }
    this.name = nameOf(name, mean);
    const defaults = { ...mean.clientSettings?.defaults, ...settings.defaults };
    this.clientSettings = {
      ...mean.clientSettings,
      ...settings,
      ...(Object.keys(defaults).length > 0 && { defaults }),
    };
    this.workingVectors = mean.workingVectors;
    this.#mean = mean;
  }

  /** The mean's second vector. */
  get control(): ParameterVector | undefined {
    return this.#mean.control;
  }

  /** As the mean does. */
  checkPlan(plan: TrainSettings): void {
    this.#mean.checkPlan?.(plan);
  }

  /** As the mean does. */
  check(update: ClientUpdate): void {
    this.#mean.check?.(update);
  }

  /** Opens a round of the mean. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    return this.#mean.begin(global, info);
  }

  /** What the mean keeps. */
  save(): StrategyState {
    return this.#mean.save?.() ?? {};
  }

  /** Gives the mean what it kept. */
  restore(state: StrategyState): void {
    this.#mean.restore?.(state);
  }
}

/** How {@linkcode FedProx} pulls. */
export interface FedProxOptions extends ClientSideOptions {
  /** Strength μ of the pull, from 0. Default: the plan's `proximal` when that is above 0, else 0.01. With both they have to be the same. */
  mu?: number;
}

/**
 * Federated averaging whose clients are held near the global parameters (FedProx).
 *
 * Li et al. 2020, "Federated Optimization in Heterogeneous Networks", equation 2: each client lowers `F_k(w) + (μ/2) ‖w - w^t‖²`. With μ = 0 it is
 * FedAvg bit for bit.
 *
 * @example
 * ```ts
 * import { FedProx } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new FedProx({ mu: 0.1 }).clientSettings, { proximal: 0.1 });
 * ```
 */
export class FedProx extends ClientSideStrategy {
  /** Throws a `RangeError` for an option out of range. */
  constructor({ mu, ...options }: FedProxOptions = {}) {
    const settings = mu === undefined
      ? { defaults: { proximal: 0.01 } }
      : { proximal: checked("fedprox", "mu", mu, { least: 0 }) };
    super("fedprox", settings, options);
  }
}

/** How {@linkcode Ditto} personalizes. */
export interface DittoOptions extends ClientSideOptions {
  /** Strength λ of the pull of a client's own model to the global one, from 0. Default 0.1. */
  lambda?: number;
}

/**
 * A model of its own for each client, held near the global one, which FedAvg makes (Ditto).
 *
 * Li et al. 2021, "Ditto: Fair and Robust Federated Learning Through Personalization", algorithm 1: beside its update each client lowers
 * `F_k(v_k) + (λ/2) ‖v_k - w^t‖²` from where its `v_k` stands, by the round's plan. Clients are evaluated by their `v_k`, which never leave them.
 *
 * @example
 * ```ts
 * import { Ditto } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Ditto({ lambda: 1 }).clientSettings, { rule: { name: "ditto", lambda: 1 } });
 * ```
 */
export class Ditto extends ClientSideStrategy {
  /** Throws a `RangeError` for an option out of range. */
  constructor({ lambda = 0.1, ...options }: DittoOptions = {}) {
    checked("ditto", "lambda", lambda, { least: 0 });
    super("ditto", { rule: { name: "ditto", lambda } }, options);
  }
}

/** What {@linkcode FedPer} leaves on the clients. */
export interface FedPerOptions extends ClientSideOptions {
  /** Beginnings of the names of the tensors that stay on each client, such as `["logits/"]`; at least one. */
  local: readonly string[];
}

/**
 * Layers that stay on each client, below or above those that FedAvg makes of all (FedPer).
 *
 * Arivazhagan et al. 2019, "Federated Learning with Personalization Layers". Clients train all layers and are evaluated with their own; the
 * named tensors of an update are those that the client was sent, so that what is local is never seen.
 *
 * @example
 * ```ts
 * import { FedPer } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { clientSettings } = new FedPer({ local: ["logits/"] });
 * assertEquals(clientSettings, { rule: { name: "fedper", local: ["logits/"] } });
 * ```
 */
export class FedPer extends ClientSideStrategy {
  /** Throws a `RangeError` when no tensor is named. */
  constructor({ local, ...options }: FedPerOptions) {
    if (local.length === 0 || local.includes("")) {
      throw new RangeError(
        "Cannot make fedper: expected the beginnings of names of tensors that stay local, got none",
      );
    }
    super("fedper", { rule: { name: "fedper", local: [...local] } }, options);
  }
}
