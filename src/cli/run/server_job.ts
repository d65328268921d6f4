import type { Dataset } from "../../data/dataset.ts";
import { errorMessage } from "../../base/errors.ts";
import { AsyncParameterServerHandler } from "../../round/handler/async_handler.ts";
import type { ServerHandlerOptions } from "../../round/handler/options.ts";
import { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";
import type { ClientSelection } from "../../round/selection/selection.ts";
import type { AsyncStrategy } from "../../strategy/asynchronous/async_strategy.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import type { ModelDescription } from "../../train/handler.ts";
import { parseModelDescription } from "../../train/models/model_description.ts";
import { MODEL_NAMES, modelByName } from "../../train/models/models.ts";
import type { TrainLogger } from "../../train/sgd_handler.ts";
import {
  initialParameters,
  type ModelEvaluator,
  modelEvaluator,
} from "../../engine/model_evaluator.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { readJson } from "../output/json_file.ts";
import { chooseKernels, type EngineFlags } from "../options/options.ts";

/** What a command's server is made of, whatever its mode. */
export interface ModelJob {
  /** Name of a model, or path of a file with a model's description. */
  model: string;
  /** Data that tells the model's input and output. */
  data: Dataset;
  /** Data to evaluate on; without it the clients evaluate. */
  testData?: Dataset;
  plan: TrainSettings;
  seed: number;
  engine: EngineFlags;
  /** The largest norm of an update, in multiples of the cohort's median. */
  updateBound?: number;
  /** Takes warnings of the engine. */
  logger?: TrainLogger;
}

/** What a command's synchronous server is made of. */
export interface ServerJob extends ModelJob {
  strategy: Strategy;
  fraction: number;
  overSelection?: number;
  selection: ClientSelection;
}

/** A server's handler, with what it must give back at the end. */
export interface ServerParts<Handler> extends AsyncDisposable {
  readonly handler: Handler;
}

/** Builds model and handler of a synchronous server. */
export async function buildServer(
  { strategy, fraction, overSelection = 0, selection, ...job }: ServerJob,
): Promise<ServerParts<SyncParameterServerHandler>> {
  return await build(
    job,
    (options) =>
      new SyncParameterServerHandler({ ...options, strategy, fraction, overSelection, selection }),
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
  const { engine, backend } = job.engine;
  chooseKernels(job.engine);
  const options = { engine, backend, ...(logger && { logger }) };
  const model = await describeModel(job.model, job.data);
  const initial = await initialParameters(model, seed, options);
  const evaluator: ModelEvaluator | undefined = testData &&
    await modelEvaluator(model, testData, { ...options, confusion: true });
  const handler = make({
    ...initial,
    model,
    plan,
    seed,
    ...(job.updateBound !== undefined && { updateBound: job.updateBound }),
    ...(evaluator && { evaluator: evaluator.evaluate }),
  });
  return { handler, [Symbol.asyncDispose]: async () => await evaluator?.[Symbol.asyncDispose]() };
}

/** A model by its name, or read from a JSON file. */
async function describeModel(name: string, data: Dataset): Promise<ModelDescription> {
  if (MODEL_NAMES.some((known) => known === name) || !name.endsWith(".json")) {
    return modelByName(name, { inputShape: data.shape, numClasses: data.numClasses });
  }
  const description = await readJson(name, "model");
  try {
    return parseModelDescription(description);
  } catch (cause) {
    throw new SyntaxError(`${name}: ${errorMessage(cause)}`, { cause });
  }
}
