import type { Schema, Task } from "../../data/schema/schema.ts";
import type { ModelDescription } from "../../train/handler.ts";

/** Tasks of losses that serve one task alone. */
const TASKS: Readonly<Record<string, Task>> = {
  meanSquaredError: "regression",
  meanAbsoluteError: "regression",
  huber: "regression",
  softmaxCrossEntropy: "classification",
  categoricalCrossentropy: "classification",
};

/** Returns the task of a server's model by its schema, else by its loss, as far as that tells. */
export function taskOf(
  { schema, model }: {
    readonly schema?: Schema | undefined;
    readonly model?: ModelDescription | undefined;
  },
): Task | undefined {
  if (schema !== undefined) return schema.target.task;
  return model && TASKS[model.loss];
}
