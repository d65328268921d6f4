/** Data, base and models of the twenty banks. */

import {
  type Dataset,
  initialParameters,
  type ModelDescription,
  type ParameterVector,
  partitionDirichlet,
  type TrainSettings,
} from "@fedlab/core";
import { loadDataset } from "@fedlab/core/data";
import { ALL_MINILM_L6_V2, type EncoderOfFile, lora, textEncoder } from "@fedlab/core/encoder";

/** Number of banks. */
export const BANKS = 20;
/** Most tokens of a question; the longest has 98. */
export const MAX_TOKENS = 128;

/** Training of the head. Plain SGD, five epochs a round: a head alone bears a large rate. */
export const HEAD_PLAN: Partial<TrainSettings> = { epochs: 5, batchSize: 16, learningRate: 1 };

/** Training of the adapters, which learn badly by SGD. Adam's state begins anew in each round. */
export const ADAPTER_PLAN: Partial<TrainSettings> = {
  ...{ epochs: 1, batchSize: 16, learningRate: 1e-3 },
  optimizer: "adam",
};

const CACHE = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/fedlab`;

/** Folder of the model: `FEDLAB_MINILM`, else `fedlab/minilm` in the user's cache folder. */
export const MINILM = Deno.env.get("FEDLAB_MINILM") ?? `${CACHE}/minilm`;

/** Folder of the questions, in `FEDLAB_DATA`, else in `fedlab` in the user's cache folder. */
export const QUESTIONS = `${Deno.env.get("FEDLAB_DATA") ?? CACHE}/banking77`;

/** File of the base, which each bank has. */
export const BASE = { ...ALL_MINILM_L6_V2.base, path: `${MINILM}/model.safetensors` };

/** Tokenizer of the base. */
export const TOKENIZER = {
  tokenizer: `${MINILM}/tokenizer.json`,
  tokenizerSha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
  maxTokens: MAX_TOKENS,
};

/** Questions of bank customers, divided among the banks. */
export interface Questions {
  readonly train: Dataset;
  readonly test: Dataset;
  /** Rows of each bank. */
  readonly parts: readonly Uint32Array[];
  /** Names of the intents. */
  readonly classes: readonly string[];
}

/**
 * Reads BANKING77 and divides it: each intent is spread unevenly over the banks.
 *
 * @param most Most questions to train on, of which a third is to test on. Default: all.
 */
export async function readQuestions(seed: number, most?: number): Promise<Questions> {
  const { train: all, test: tested = all, classes = [] } = await loadDataset("banking77", {
    texts: TOKENIZER,
  });
  const train = spread(all, most), test = spread(tested, most && Math.ceil(most / 3));
  return { train, test, classes, parts: partitionDirichlet(train, BANKS, { alpha: 0.5, seed }) };
}

/** Takes rows at equal distances: the questions come in the order of their intents. */
function spread(data: Dataset, most = data.length): Dataset {
  const count = Math.min(most, data.length);
  return data.select(
    Array.from({ length: count }, (_, i) => Math.floor(i * data.length / count)),
  );
}

/** A head for the intents on the frozen model. */
export function headModel(
  numClasses: number,
  encoder: EncoderOfFile = ALL_MINILM_L6_V2,
): ModelDescription {
  return textEncoder({ ...encoder, numClasses, maxTokens: MAX_TOKENS });
}

/** The head, with adapters of rank 8 on query and value of the last two layers. */
export function adapterModel(
  numClasses: number,
  encoder: EncoderOfFile = ALL_MINILM_L6_V2,
): ModelDescription {
  return textEncoder({
    ...encoder,
    ...{ numClasses, maxTokens: MAX_TOKENS },
    adapters: lora({ rank: 8, alpha: 16, targets: ["query", "value"], layers: 2 }),
    features: "float16",
  });
}

/** Gives parameters of the adapters as they begin, with a head that is trained already. */
export async function warmStart(
  model: ModelDescription,
  head: ParameterVector,
  seed: number,
): Promise<Awaited<ReturnType<typeof initialParameters>>> {
  const initial = await initialParameters(model, seed);
  // The head comes last.
  initial.parameters.set(head, initial.manifest.length - head.length);
  return initial;
}
