/** Facts that a server of pages tells the banks. */

import type { EncoderOfFile } from "@fedlab/core/encoder";
import type { Stage } from "./stages.ts";

/** Encoder of a run, of which `build.ts` makes the files. */
export interface EncoderFacts {
  readonly encoder: EncoderOfFile;
  readonly tokenizer: { readonly sha256: string; readonly maxTokens: number };
}

/** Facts of a federation. */
export interface Facts extends EncoderFacts {
  /** Names of the intents. */
  readonly classes: readonly string[];
  /** Number of rounds of each run. */
  readonly rounds: Readonly<Record<Stage, number>>;
  /** Run that goes on. */
  readonly stage: Stage;
}
