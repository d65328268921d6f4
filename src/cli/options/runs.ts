import { ORDERS, type RunOrder } from "../runs/orders.ts";
import { option } from "./option.ts";
import { choice, onOff, real, whole } from "./values.ts";

/** Options about the list of runs. */
export const RUNS = {
  sort: option(choice(Object.keys(ORDERS) as RunOrder[]), {
    value: "<order>",
    help: "order of the list",
    group: "Output",
    default: "newest",
    commands: { runs: {} },
  }),
  limit: option(whole(1), {
    value: "<n>",
    help: "most runs in the list",
    group: "Output",
    default: 50,
    commands: { runs: {} },
  }),
  goal: option(real({}), {
    value: "<x>",
    help: "compare when runs first reached this value, such as an accuracy of 0.9",
    group: "Output",
    commands: { runs: {} },
  }),
  rebuild: option(onOff, {
    help: "read all runs again, instead of those that have changed",
    group: "Output",
    commands: { runs: {} },
  }),
};
