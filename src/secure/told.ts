/** Training as a client is told of it, of JSON's types. It is bound into the masks. */
export interface ToldTraining {
  /** Names, shapes and kinds of the parameters. */
  readonly manifest: unknown;
  /** Description of the model. */
  readonly model?: unknown;
  /** Schema of the data. */
  readonly schema?: unknown;
  /** Settings of the round. */
  readonly plan?: unknown;
}

/** Takes what concerns the training from what a client is told when it joins. */
export function toldTraining({ manifest, model, schema }: ToldTraining): ToldTraining {
  return { manifest, model, schema };
}
