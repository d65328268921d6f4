import { DEFAULT_EARLY_BYTES } from "../../server/uploads/early_updates.ts";
import { option } from "./option.ts";
import { real, whole } from "./values.ts";

const MEBIBYTE = 2 ** 20;

/** Options about the links to the clients. */
export const LINKS = {
  uploadMemory: option(real({ least: 0, most: 2 ** 20 }), {
    unit: "MiB",
    help:
      "memory for updates that come before their turn; further ones are kept in a file in the run's folder; with 0, none are kept, and clients wait",
    group: "Joining",
    default: DEFAULT_EARLY_BYTES / MEBIBYTE,
    isRare: true,
    commands: { server: {} },
    onResume: "any",
    library: {
      server: (mebibytes) => ({
        earlyUpdates: { memoryBytes: Math.round(mebibytes * MEBIBYTE) },
      }),
    },
  }),
  downloadsAtOnce: option(whole(1), {
    value: "<n>",
    help: "number of clients of one address that are sent the model at the same time",
    group: "Joining",
    isRare: true,
    commands: { server: { defaultText: "one at a time where they share a slow link, else all" } },
    onResume: "any",
    library: { server: (downloadsAtOnce) => ({ downloadsAtOnce }) },
  }),
};
