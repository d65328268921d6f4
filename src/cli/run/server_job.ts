import type { Dataset } from "../../data/dataset.ts";
import { inputShape, numOutputs } from "../../data/schema/features.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { errorMessage } from "../../base/errors.ts";
import { AsyncParameterServerHandler } from "../../round/handler/async_handler.ts";
import type { ServerHandlerOptions } from "../../round/handler/options.ts";
import { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";
import type { AsyncStrategy } from "../../strategy/asynchronous/async_strategy.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import type { LossName, ModelDescription } from "../../train/handler.ts";
import { parseModelDescription } from "../../train/models/model_description.ts";
import type { InitName } from "../../train/models/model_options.ts";
import { MODEL_NAMES, modelByName, modelOptionsOf } from "../../train/models/models.ts";
import type { TrainLogger } from "../../train/sgd_handler.ts";
import {
  initialParameters,
  type ModelEvaluator,
  modelEvaluator,
} from "../../engine/model_evaluator.ts";
import type { AllowedSettings } from "../../plan/own_settings.ts";
import type { LearningRateSchedule } from "../../plan/schedule.ts";
import { hasMoments, type TrainSettings } from "../../plan/settings.ts";
import { readJson } from "../output/json_file.ts";
import { type EngineOptions, type Library, UsageError } from "../options/option.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { baseAt } from "./base.ts";
import { chooseKernels } from "./engine.ts";
import { type InitialWeights, loadInitial } from "./initial_weights.ts";

/** Shape and task of a model, and the schema of its data. */
export type ModelData = Pick<Dataset, "shape" | "task" | "numClasses" | "outputs" | "schema">;

/** Returns the shape and task that a schema describes. */
export function modelDataOf(schema: Schema): ModelData {
  const { target } = schema, { task } = target;
  const units = numOutputs(schema), shape = inputShape(schema);
  if (task !== "classification") return { shape, task, numClasses: 0, outputs: units, schema };
  return { shape, task, numClasses: units, outputs: target.steps ?? 1, schema };
}

/** Model, training and evaluation of a command's server, whatever its mode. */
export interface ModelJob {
  /** Name of a model, or path of a model description. */
  model: string;
  /** Loss of the model. Default: that of its task, or of its description. */
  loss?: LossName | undefined;
  /** Shape and task of the model, and the schema that the clients are sent. */
  data: ModelData;
  /** Data to evaluate on. Default: the clients evaluate. */
  testData?: Dataset;
  plan: Partial<TrainSettings>;
  /** Schedule of the learning rate. */
  schedule?: LearningRateSchedule | undefined;
  /** Settings that the clients may choose themselves. */
  allows?: AllowedSettings | undefined;
  seed: number;
  /** Weights to begin with. Default: the model's initial ones. */
  init?: InitialWeights | undefined;
  /** Way to draw the initial weights of a built-in model. Default: the model's own. */
  initName?: InitName | undefined;
  engine: Partial<EngineOptions>;
  /** Path of the pretrained base of the model. */
  base?: string | undefined;
  /** Further options of the handler. */
  handler?: Library["handler"];
  /** Logger of the engine's warnings. */
  logger?: TrainLogger;
}

/** Everything that a command's synchronous server is made of. */
export interface ServerJob extends ModelJob {
  strategy: Strategy;
  /** Choice of the clients of a round. */
  cohort: Library["cohort"];
}

/** Handler of a server with the resources to release at the end. */
export interface ServerParts<Handler> extends AsyncDisposable {
  readonly handler: Handler;
}

/**
 * Collects the settings of local training from a command's options.
 *
 * @throws {UsageError} If the options contradict each other.
 */
export function planFrom(flags: Flags<"demo" | "server" | "simulate">): Partial<TrainSettings> {
  const { optimizer, momentum, nesterov } = flags;
  if (hasMoments(optimizer) && momentum > 0) {
    throw new UsageError(`expected no --momentum with --optimizer ${optimizer}`);
  }
  if (nesterov && momentum === 0) throw new UsageError("expected --momentum with --nesterov");
  return libraryOptions("plan", flags);
}

/** Builds model and handler of a synchronous server. */
export async function buildServer(
  { strategy, cohort, ...job }: ServerJob,
): Promise<ServerParts<SyncParameterServerHandler>> {
  return await build(
    job,
    (options) => new SyncParameterServerHandler({ ...options, ...cohort, strategy }),
  );
}

/** Builds model and handler of an asynchronous server. */
export async function buildAsyncServer(
  { strategy, ...job }: ModelJob & { strategy: AsyncStrategy },
): Promise<ServerParts<AsyncParameterServerHandler>> {
  return await build(job, (options) => new AsyncParameterServerHandler({ ...options, strategy }));
}

async function build<Handler>(
  job: ModelJob,
  make: (options: ServerHandlerOptions) => Handler,
): Promise<ServerParts<Handler>> {
  const { seed, plan, testData, logger } = job;
  const { strictDeterminism: _, ...engine } = job.engine;
  chooseKernels(job.engine);
  const options = { ...engine, ...(logger && { logger }) };
  const model = await describeModel(job);
  if (job.base !== undefined && model.format !== "text-encoder") {
    throw new UsageError(
      `expected no --base with the model ${job.model}, which is described on none`,
    );
  }
  const initial = await initialParameters(model, seed, options);
  const parameters = job.init && await loadInitial(initial, job.init, job.data.schema);
  const base = job.base === undefined ? undefined : await baseAt(job.base);
  const evaluator: ModelEvaluator | undefined = testData &&
    await modelEvaluator(model, testData, { ...options, ...(base && { base }), confusion: true });
  const handler = make({
    ...initial,
    ...(parameters && { parameters }),
    model,
    plan,
    ...(job.allows && { allows: job.allows }),
    ...(job.schedule && { schedule: job.schedule }),
    seed,
    ...(job.data.schema && { schema: job.data.schema }),
    ...job.handler,
    ...(evaluator && { evaluator: evaluator.evaluate }),
  });
  return { handler, [Symbol.asyncDispose]: async () => await evaluator?.[Symbol.asyncDispose]() };
}

/** Finds a model by its name, or reads its description from a JSON file. */
async function describeModel(
  { model: name, data, loss, initName: init }: ModelJob,
): Promise<ModelDescription> {
  if (MODEL_NAMES.some((known) => known === name) || !name.endsWith(".json")) {
    return modelByName(name, {
      ...modelOptionsOf(data),
      ...(loss && { loss }),
      ...(init && { init }),
    });
  }
  const description = await readJson(name, "model");
  try {
    return { ...parseModelDescription(description), ...loss && { loss } };
  } catch (cause) {
    throw new SyntaxError(`${name}: ${errorMessage(cause)}`, { cause });
  }
}
