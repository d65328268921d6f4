import type { AllowedSettings } from "../own_settings.ts";
import type { LearningRateSchedule } from "../schedule.ts";
import type { TrainSettings } from "../settings.ts";
import type { StrategyTraits } from "./strategy_traits.ts";

/** Choices of a run. Those left out are not checked. */
export interface RunChoices {
  /** Settings of local training. */
  readonly plan?: Partial<TrainSettings>;
  /** Aggregation algorithm. */
  readonly strategy?: StrategyTraits | undefined;
  /** Schedule of the learning rate. */
  readonly schedule?: LearningRateSchedule;
  /** Settings that clients may choose themselves. */
  readonly allows?: AllowedSettings;
  /** Share by which a cohort exceeds the number of wanted updates. */
  readonly overSelection?: number;
  /** Policy that selects the cohorts. */
  readonly selection?: { readonly name: string };
  /** Set if the clients evaluate on their own data. */
  readonly evaluatesClients?: boolean;
  /** Set if the model has values that no gradient trains. */
  readonly hasUntrained?: boolean;
  /** Set if the matrices of the model's adapters are trained in turns, by round. */
  readonly takesTurns?: boolean;
  /** Way in which updates are added up. */
  readonly aggregation?: "running" | "exact";
  /** Codec of the clients' updates. */
  readonly uplink?: string;
  /** Codec of the parameters that clients are sent. */
  readonly downlink?: string;
  /** Mode of the server. */
  readonly mode?: "sync" | "async";
  /** Mechanism by which the clients keep their own data private. */
  readonly ownPrivacy?: "dp-sgd" | "local" | undefined;
  /** Engine that the clients train on. */
  readonly engine?: "auto" | "native" | "tfjs" | undefined;
  /** Set in a simulation, where one handler serves many clients. */
  readonly isSimulated?: boolean;
  /** Set where the machines of a cluster do the clients' jobs. */
  readonly isClustered?: boolean;
  /** Number of workers of this process, where one is chosen. */
  readonly workers?: number | undefined;
  /** Set if a function of this process makes the clients' handlers. */
  readonly hasFunction?: boolean;
  /** Set if the built-in handler trains on a pretrained base. */
  readonly hasBase?: boolean;
  /** Task of the model. */
  readonly task?: "classification" | "multi-label" | "regression";
  /** Metrics by which the run stops or the best model is chosen. */
  readonly monitored?: readonly string[];
}
