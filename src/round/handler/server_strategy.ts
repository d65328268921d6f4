import type { TrainSettings } from "../../plan/settings.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { ClientSettings, ClientUpdate, StrategyState } from "../../strategy/strategy.ts";
import type { SumShape } from "../../strategy/sums/sums.ts";

/** Part of a strategy that synchronous and asynchronous servers have in common. */
export interface ServerStrategy {
  /** Name of the strategy. */
  readonly name: string;
  /** Settings of the clients' training that the strategy changes. */
  readonly clientSettings?: ClientSettings;
  /** Set when the steps that clients report count in the result. */
  readonly countsSteps?: boolean;
  /** Set when hostile clients must be few among the updates of a round. */
  readonly needsHonestMajority?: boolean;
  /** Set when each update is divided by the length of its steps. */
  readonly normalizesSteps?: boolean;
  /** Set when the strategy has a step size in place of the clients' learning rate. */
  readonly fixesLearningRate?: boolean;
  /** Set when its step follows changes of former rounds too, as with momentum on the server. */
  readonly optimizesOnServer?: boolean;
  /** Sums of the strategy, if its step is a function of weighted sums. */
  readonly sums?: SumShape | undefined;
  /** Set when it keeps clients private. */
  readonly privacy?: PrivacyTerms | undefined;
  /** Number of vectors as long as the model that the strategy keeps. */
  readonly workingVectors: number;
  /** Throws a `RangeError` for a plan that does not suit the strategy. */
  checkPlan?(plan: TrainSettings): void;
  /** Throws a `RangeError` for an update that lacks something that the strategy needs. */
  check?(update: ClientUpdate): void;
  /** Returns the state of the strategy, for a checkpoint. */
  save?(): StrategyState;
  /** Restores a state of the strategy. */
  restore?(state: StrategyState): void;
}
