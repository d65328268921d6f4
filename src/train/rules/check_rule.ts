import type { Manifest } from "../../params/manifest.ts";
import type { LocalRule } from "../../plan/rules/rules.ts";
import type { TrainSettings } from "../../plan/settings.ts";

/**
 * Throws a `RangeError` for a rule that does not go with the other settings, as far as they are given, or with the model: what a server checks before
 * its clients would.
 */
export function checkRule(
  { rule, optimizer = "sgd", momentum = 0, learningRate = 1, keepMomentum }: Partial<TrainSettings>,
  manifest: Manifest,
): void {
  switch (rule?.name) {
    case "scaffold":
      if (momentum > 0 || optimizer !== "sgd") {
        throw new RangeError(
          `Cannot train by SCAFFOLD: expected SGD without momentum, got ${optimizer} with momentum ${momentum}`,
        );
      }
      if (!(learningRate > 0)) {
        throw new RangeError(
          `Cannot train by SCAFFOLD: expected a learning rate above 0, got ${learningRate}`,
        );
      }
      return;
    case "ditto":
      if (keepMomentum) {
        throw new RangeError("Cannot train by Ditto: two models cannot keep one momentum");
      }
      return;
    case "fedper":
      localRanges(rule, manifest);
  }
}

/** Where the tensors lie that stay on the client. Throws a `RangeError` for a beginning that no name has. */
export function localRanges(
  { local }: LocalRule & { name: "fedper" },
  { tensors }: Manifest,
): (readonly [from: number, to: number])[] {
  for (const prefix of local) {
    if (!tensors.some(({ name }) => name.startsWith(prefix))) {
      throw new RangeError(
        `Cannot keep tensors local: expected the beginning of one of ${
          tensors.map(({ name }) => name).join(", ")
        }, got ${JSON.stringify(prefix)}`,
      );
    }
  }
  return tensors.filter(({ name }) => local.some((prefix) => name.startsWith(prefix)))
    .map(({ offset, length }) => [offset, offset + length]);
}
