import { bytesOf, concat } from "../base/bytes.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { canonicalBytes } from "./canonical.ts";
import type { Bytes } from "./primitives.ts";

/** Model and data as a client is told of them when it joins, of JSON's types. */
export interface ToldTraining {
  /** Names, shapes and kinds of the parameters. */
  readonly manifest: unknown;
  /** Description of the model. */
  readonly model?: unknown;
  /** Schema of the data. */
  readonly schema?: unknown;
}

/** Takes what concerns the training from what a client is told when it joins. */
export function toldTraining({ manifest, model, schema }: ToldTraining): ToldTraining {
  return { manifest, model, schema };
}

/**
 * Encodes what a client was told of its training in a round, for the salt of its masks.
 *
 * @param plan Settings of the round, of JSON's types.
 * @param staying Parameters that do not travel, if there are any: updates depend on them as well.
 */
export function toldBytes(told: ToldTraining, plan: unknown, staying?: ParameterVector): Bytes {
  const { manifest, model, schema } = told;
  const fields = canonicalBytes({ manifest, model, schema, plan });
  return staying === undefined ? fields : concat([fields, bytesOf(staying)]);
}
