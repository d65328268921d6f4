import type { Rank } from "../../base/rank.ts";
import { inOrder } from "./ranks.ts";
import type { SelectionContext } from "./selection.ts";

/** Lists of available ranks, in order, of contexts that do not give away the lists themselves. */
const shared = new WeakMap<SelectionContext, readonly Rank[]>();

/**
 * Makes the input of a policy. A policy that looks at `available` gets a copy of the list, made
 * when it does so; {@linkcode availableRanks} gives the list itself.
 *
 * @param available The available ranks, in order.
 */
export function selectionContext(
  { available, ...rest }: SelectionContext,
): SelectionContext {
  let copy: readonly Rank[] | undefined;
  const context = {
    ...rest,
    get available() {
      return copy ??= [...available];
    },
  };
  shared.set(context, available);
  return context;
}

/** Returns the available ranks of a context, in order. The list is not to be changed. */
export function availableRanks(context: SelectionContext): readonly Rank[] {
  return shared.get(context) ?? inOrder(context.available);
}
