import { CLIENT_PRIVACY_NAMES, parseClientPrivacy } from "../../privacy/client/parse.ts";
import { option } from "./option.ts";
import { readableBy, text } from "./values.ts";

/** Options about the privacy that clients give their own data. */
export const OWN_PRIVACY = {
  clientPrivacy: option(readableBy(parseClientPrivacy), {
    value: "<name>",
    help: `differential privacy that the client itself gives its data, whatever its server does: ${
      CLIENT_PRIVACY_NAMES.join(" or ")
    }; record:epsilon=8,delta=1e-5,clip=1 adds noise to each training step (DP-SGD), and local:… to the update that is sent`,
    group: "Security",
    defaultText: "none",
    commands: {
      client: {},
      server: {
        help:
          "differential privacy that the server recommends to its clients, as in record:epsilon=8,delta=1e-5,clip=1; each client decides itself",
      },
      simulate: {
        help:
          "differential privacy that each client gives its own data: record:epsilon=8,delta=1e-5,clip=1 adds noise to each training step (DP-SGD), and local:epsilon=8,delta=1e-5,clip=0.1 to its updates",
        group: "Strategy",
      },
    },
    library: { server: (clientPrivacy) => ({ clientPrivacy }) },
  }),
  privacyLedger: option(text, {
    value: "<file>",
    help:
      "file in which the client records the privacy budget that its data have spent, in all runs; required with --client-privacy",
    group: "Security",
    commands: { client: {} },
    path: "output",
  }),
};
