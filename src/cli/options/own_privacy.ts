import { CLIENT_PRIVACY_NAMES, parseClientPrivacy } from "../../privacy/client/parse.ts";
import { option } from "./option.ts";
import { readableBy, text } from "./values.ts";

/** Options about the privacy that clients give their own data. */
export const OWN_PRIVACY = {
  clientPrivacy: option(readableBy(parseClientPrivacy), {
    value: "<name>",
    help: `privacy of the client's own, whatever its server does: ${
      CLIENT_PRIVACY_NAMES.join(" or ")
    }; options follow the name, as in record:epsilon=8,delta=1e-5,clip=1`,
    group: "Security",
    defaultText: "none",
    commands: {
      client: {},
      server: {
        help: "privacy that clients are recommended for their own data; each decides by itself",
      },
      simulate: {
        help:
          "privacy that each client gives its own data: record:epsilon=8,delta=1e-5,clip=1 for DP-SGD, or local:epsilon=8,delta=1e-5,clip=0.1 for noise on its updates",
        group: "Strategy",
      },
    },
    library: { server: (clientPrivacy) => ({ clientPrivacy }) },
  }),
  privacyLedger: option(text, {
    value: "<file>",
    help:
      "file of what the client has spent on its data, in all runs; required with --client-privacy",
    group: "Security",
    commands: { client: {} },
    path: "output",
  }),
};
