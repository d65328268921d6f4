import { bytesOf, concat } from "../base/bytes.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { canonicalBytes, canonicalObject } from "./canonical.ts";
import type { Bytes } from "./primitives.ts";

/** Model and data as a client is told of them when it joins, of JSON's types. */
export interface JoinedTraining {
  /** Names, shapes and kinds of the parameters. */
  readonly manifest: unknown;
  /** Description of the model. */
  readonly model?: unknown;
  /** Schema of the data. */
  readonly schema?: unknown;
}

/** Training of a run as a client is told of it, for the salt of its masks. */
export class ToldTraining {
  readonly #joined: JoinedTraining;
  /** Encoded fields that are those of all rounds, made when they are needed. */
  #encoded: Readonly<Record<string, Bytes>> | undefined;

  /** Takes what concerns the training from what a client is told when it joins. */
  constructor({ manifest, model, schema }: JoinedTraining) {
    this.#joined = { manifest, model, schema };
  }

  /**
   * Encodes what a client was told of its training in a round.
   *
   * @param plan Settings of the round, of JSON's types.
   * @param staying Parameters that do not travel, if there are any: updates depend on them as well.
   */
  bytes(plan: unknown, staying?: ParameterVector): Bytes {
    this.#encoded ??= encoded(this.#joined);
    const fields = canonicalObject({ ...this.#encoded, plan: canonicalBytes(plan) });
    return staying === undefined ? fields : concat([fields, bytesOf(staying)]);
  }
}

function encoded(joined: JoinedTraining): Record<string, Bytes> {
  const fields = Object.entries(joined).filter(([, content]) => content !== undefined);
  return Object.fromEntries(fields.map(([name, content]) => [name, canonicalBytes(content)]));
}
