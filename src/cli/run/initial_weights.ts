import { didYouMean } from "../../base/did_you_mean.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { InitialParameters } from "../../engine/model_evaluator.ts";
import { openFile } from "../../data/file.ts";
import { compareNames, compareSchemas } from "../../data/schema/compare.ts";
import { featureNames, outputNames } from "../../data/schema/features.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { INIT_NAMES, type InitName, isInitName } from "../../train/models/model_options.ts";
import { interpretModel } from "../../train/models/model_file.ts";
import { loadWeights } from "../../store/safetensors/load_weights.ts";
import type { WeightNames } from "../../store/safetensors/names.ts";
import { v } from "../../plan/deps.ts";
import { UsageError } from "../options/option.ts";
import { faultOf, readJson } from "../output/json_file.ts";
import { printError } from "../output/terminal.ts";

/** Weights that a run begins with. */
export interface InitialWeights {
  /** Safetensors file. */
  readonly init: string;
  /** JSON file with names. */
  readonly initNames?: string;
  /** True if weights that the file lacks are drawn at random. */
  readonly initPartial?: boolean;
}

const axes = v.array(v.pipe(v.number(), v.integer(), v.minValue(0)));
const NAMES = v.record(
  v.string(),
  v.union([
    v.null(),
    v.string(),
    v.strictObject({
      name: v.string(),
      reshape: v.exactOptional(axes),
      transpose: v.exactOptional(axes),
    }),
  ]),
);

/**
 * Picks the file of weights to begin with from a command's options.
 *
 * @throws {UsageError} If there are options about it, but no file.
 */
export function initialWeightsFrom(
  { init, initNames, initPartial = false }: Partial<InitialWeights>,
): InitialWeights | undefined {
  const isName = init !== undefined && isInitName(init);
  if (init !== undefined && !isName) {
    return { init, initPartial, ...(initNames !== undefined && { initNames }) };
  }
  const expected = isName ? `expected a file for --init ${init}` : "expected --init";
  if (initNames !== undefined) throw new UsageError(`${expected} with --init-names`);
  if (initPartial) throw new UsageError(`${expected} with --init-partial`);
}

/**
 * Picks the way to draw the initial weights of a built-in model from a command's options.
 *
 * @throws {UsageError} If the model is described in a file, which says how they are drawn.
 */
export function initNameFrom(
  { init, model }: { readonly init?: string; readonly model: string },
): InitName | undefined {
  if (init === undefined || !isInitName(init)) return undefined;
  if (!model.endsWith(".json")) return init;
  throw new UsageError(
    `expected a file for --init with --model ${model}, which says how its weights are drawn, got ${init}`,
  );
}

/**
 * Loads the weights that a run begins with, and prints the names that only one side has.
 *
 * @param schema Schema of the run, with which that of the file is compared.
 * @throws {Error} If the file cannot be read or does not fit the model, or its model has other
 * inputs or outputs and is not said to be used in part.
 */
export async function loadInitial(
  { manifest, parameters }: InitialParameters,
  { init, initNames, initPartial = false }: InitialWeights,
  schema?: Schema,
): Promise<ParameterVector> {
  await checkInit(init);
  const names = initNames === undefined ? undefined : await readNames(initNames);
  const loaded = await loadWeights(init, manifest, {
    ...(names && { names }),
    ...(initPartial && { initial: parameters }),
  });
  const { missing, leftOver, metadata } = loaded;
  const { schema: former } = interpretModel({ manifest, parameters, metadata }, init);
  if (schema && former) compareMeaning(schema, former, init, initPartial);
  if (missing.length > 0) {
    printError(`Initialized as without ${init}, which lacks it: ${missing.join(", ")}`);
  }
  if (leftOver.length > 0) printError(`Not used of ${init}: ${leftOver.join(", ")}`);
  return loaded.parameters;
}

/** Refuses what is neither a way to draw the weights nor a file. */
async function checkInit(init: string): Promise<void> {
  try {
    (await openFile(init)).file.close();
  } catch (cause) {
    const reason = errorMessage(cause).replace(`Cannot read ${init}: `, "");
    const expected = `expected ${INIT_NAMES.join(", ")} or a safetensors file${
      didYouMean(init, INIT_NAMES)
    }`;
    throw new Error(`Cannot begin from ${init || '""'}: ${expected}; ${reason}`, { cause });
  }
}

/** Refuses weights of a model with other inputs or outputs, and tells of another preprocessing. */
function compareMeaning(schema: Schema, former: Schema, init: string, initPartial: boolean): void {
  const places = compareNames("inputs", featureNames(schema), featureNames(former)) ??
    compareNames("outputs", outputNames(schema), outputNames(former));
  if (places !== undefined && !initPartial) {
    throw new RangeError(
      `Cannot begin from ${init}: ${places} (--init-partial begins from weights of another model)`,
    );
  }
  const difference = places ?? compareSchemas(schema, former);
  if (difference !== undefined) printError(`${init} has another schema: ${difference}`);
}

async function readNames(path: string): Promise<WeightNames> {
  const parsed = v.safeParse(NAMES, await readJson(path, "names"));
  if (parsed.success) return parsed.output;
  throw new TypeError(`Cannot read the names ${path}: ${faultOf(parsed)}`);
}
