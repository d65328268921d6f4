import type { Codec } from "../../codec/codec.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { AllowedSettings } from "../../plan/own_settings.ts";
import type { LearningRateSchedule } from "../../plan/schedule.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import type { Aggregation } from "../../strategy/sums/sums.ts";
import type { Evaluator, ModelDescription } from "../../train/handler.ts";
import type { SecureAggregationOptions } from "../secure/options.ts";
import type { ClientSelection } from "../selection/selection.ts";

/** Options of any server's handler. */
export interface ServerHandlerOptions {
  /** Names and shapes of the tensors in the parameter vector. */
  manifest: Manifest;
  /** The initial global vector, `manifest.length` values. It is copied. */
  parameters: ParameterVector;
  /** The model's description for the clients. Default: every client brings its own model. */
  model?: ModelDescription;
  /**
   * Schema of the data: names and preprocessing of the model's inputs, and the meaning of its
   * outputs. Clients arrange their data by it or are refused. Default: none.
   */
  schema?: Schema;
  /** Settings of the clients' training. Settings left out are as in {@linkcode DEFAULT_PLAN}. */
  plan?: Partial<TrainSettings>;
  /**
   * Schedule of the learning rate, which begins at the plan's.
   *
   * @default {undefined} The plan's learning rate in all rounds.
   */
  schedule?: LearningRateSchedule;
  /**
   * Settings that clients may choose themselves, within ranges. A strategy whose clients send
   * gradients takes none.
   *
   * @default {undefined} Clients train by the plan.
   */
  allows?: AllowedSettings;
  /**
   * The run's seed, 0 to 2^32 - 1.
   *
   * @default {0}
   */
  seed?: number;
  /** Evaluates a vector on the server's own data. Default: the clients evaluate. */
  evaluator?: Evaluator;
  /**
   * Limit of an update's change, as a multiple above 1 of the median of its cohort's changes, in
   * the L2 norm. A change no larger than the model itself is never out of bounds. A larger update
   * is refused, and its round is tried again without it. The limit does not hold for robust
   * strategies. `Infinity` turns it off.
   *
   * @default {100}
   */
  updateBound?: number;
  /**
   * Way in which updates are added up. `"running"` takes a mean in float32, in the order of ranks.
   * `"exact"` gives the same result, bit for bit, in any order, so that no update waits for
   * another. It takes 24 bytes for each value of the model, and is for synchronous servers with
   * strategies whose step is a function of weighted sums.
   *
   * @default {"running"}
   */
  aggregation?: Aggregation;
  /**
   * Codec of the clients' updates, such as `eden()`. Each client encodes the difference of its
   * parameters to those that it was sent. Clients that do not know the codec send whole updates.
   *
   * @default {undefined} Updates are not encoded.
   */
  uplink?: Codec;
  /**
   * Codec of the parameters that clients are sent, such as `int8()`. Clients train from what they
   * decode, and evaluate it; the server keeps the parameters as they are. Clients that do not know
   * the codec are sent whole parameters. With `delta(int8())`, a client is sent the difference to
   * the parameters that it has, where that is smaller, and with `delta()` the same without any
   * error.
   *
   * @default {undefined} Parameters are not encoded.
   */
  downlink?: Codec;
  /**
   * Secure aggregation: the server learns the sum of a round's updates, and no single one. For
   * synchronous servers with strategies that need the mean of the updates alone.
   *
   * @default {undefined} Clients send their updates in the clear.
   */
  secureAggregation?: SecureAggregationOptions;
  /**
   * Number of updates held at once. Default: as many as fit in 64 MiB, at least 4 and at most 64.
   */
  stagingBuffers?: number;
}

/** Options of a {@linkcode SyncParameterServerHandler}. */
export interface SyncParameterServerHandlerOptions extends ServerHandlerOptions {
  /** The aggregation algorithm. Default `new FedAvg()`. */
  strategy?: Strategy;
  /**
   * Share C of the clients that a round wants updates of, above 0 and at most 1: `max(1,
   * round(C·N))` of N clients.
   *
   * @default {1}
   */
  fraction?: number;
  /**
   * Share by which a cohort exceeds the number of wanted updates. The round ends with the first of
   * them: 0.2 selects 12 clients and keeps the first 10 updates. The result then depends on the
   * order of arrival.
   *
   * @default {0}
   */
  overSelection?: number;
  /** Policy that selects the cohorts. Default `new UniformSelection()`. */
  selection?: ClientSelection;
}
