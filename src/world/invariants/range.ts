import type { Invariant } from "./invariant.ts";

/** Largest value of a model: clients step towards values of about 1. */
const MOST = 1e12;

/** Updates of hostile clients do not drive the model out of its range. */
export const modelStaysInRange: Invariant = {
  name: "the model stays in its range",
  breaches({ federation: { history } }) {
    const out = history.of("round").find(({ model }) => model.some((x) => !(Math.abs(x) <= MOST)));
    return out === undefined ? [] : [`round ${out.report.round} has values above ${MOST}`];
  },
};
