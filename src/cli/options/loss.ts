import { LOSS_NAMES } from "../../train/losses/losses.ts";
import { option } from "./option.ts";
import { choice, reals } from "./values.ts";

/** Options about the training loss. */
export const LOSS = {
  classWeights: option(reals({ least: 0 }), {
    value: "<weights>",
    help: "weight of each class in the training loss, separated by commas",
    group: "Training",
    defaultText: "1 each",
    isRare: true,
    commands: { demo: {}, server: {}, simulate: {} },
    library: { plan: (classWeights) => ({ classWeights }) },
  }),
  loss: option(choice(LOSS_NAMES), {
    value: "<name>",
    help: "loss of the training",
    group: "Training",
    defaultText: "that of the model",
    isRare: true,
    isAnnounced: true,
    commands: { server: {}, simulate: {} },
  }),
};
