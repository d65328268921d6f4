import { readSource } from "../../predict/source.ts";
import type { TrainedModel } from "../../train/models/model_file.ts";
import { UsageError } from "../options/option.ts";

/** Choice of a trained model. */
export interface ModelChoice {
  /** Folder of a run, or its URL. */
  readonly run?: string;
  /** Safetensors file, or its URL. */
  readonly model?: string;
}

/**
 * Reads the trained model that a command's options name.
 *
 * @throws {UsageError} If they name none or two.
 */
export async function readTrained(
  { run, model }: ModelChoice,
  signal: AbortSignal,
): Promise<TrainedModel> {
  if (run !== undefined && model !== undefined) {
    throw new UsageError("expected --run or --model, got both");
  }
  const source = run ?? model;
  if (source === undefined) throw new UsageError("expected --run or --model");
  return await readSource(source, signal);
}
