import { initialParameters } from "../../mod.ts";
import { textSource } from "../../src/data/mod.ts";
import { TextGenerator } from "../../src/predict/mod.ts";
import { modelByName, modelOptionsOf } from "../../src/train/mod.ts";
import { type BenchResult, median } from "../result.ts";
import { processorMillis } from "./processor_time.ts";

/** Characters of a repetition. */
const LENGTH = 500;
const REPETITIONS = 15;
/** Characters a second that are wanted. */
const WANTED = 3000;

/**
 * Measures the characters that the language model of the FedAvg paper, of 866,578 parameters, draws
 * in a second of processor time on one thread, one after the other.
 */
export async function generationRate(): Promise<BenchResult> {
  const authors = [{ name: "bench", lines: ["to be", "or not"] }];
  const form = { mode: "windows", symbols: "bytes" } as const;
  const { train } = await textSource({ name: "bench", authors, form }).arrange(undefined);
  const model = modelByName("lstm:peepholes=true", modelOptionsOf(train));
  const generator = new TextGenerator({
    ...await initialParameters(model, 1),
    ...{ model, metadata: {} },
    ...(train.schema && { schema: train.schema }),
  });
  const time = (seed: number) => {
    const start = processorMillis();
    generator.sample({ length: LENGTH, seed }).toArray();
    return processorMillis() - start;
  };
  for (let i = 0; i < 3; i++) time(i);
  const times = Array.from({ length: REPETITIONS }, (_, i) => time(i));
  const min = Math.min(...times), value = LENGTH / min * 1000;
  return {
    name: "generation, lstm 2x256 with peepholes, 258 symbols",
    unit: "characters/s",
    ...{ value, ceiling: WANTED, ratio: value / WANTED, target: 1 },
    ...{ min, median: median(times) },
  };
}
