import { isSiteName } from "../../client/options.ts";
import { DEFAULT_SERVER_NAME } from "../../server/options.ts";
import { SITE_LENGTH } from "../../wire/messages/registration.ts";
import { InvalidArgumentError } from "../deps.ts";
import { option } from "./option.ts";
import { onOff, real, text, type ValueType, whole } from "./values.ts";

/** Name of a site, in one line. */
const siteName: ValueType<string> = {
  parse(text) {
    if (isSiteName(text)) return text;
    throw new InvalidArgumentError(`Expected 1 to ${SITE_LENGTH} visible characters in one line.`);
  },
};

/** Options about encryption, and about the clients that may join. */
export const SECURITY = {
  insecure: option(onOff, {
    help: "let anyone who can reach the address join, even if it is not a loopback address",
    group: "Security",
    default: false,
    commands: { server: {}, stats: {} },
    onResume: "any",
    isAnnounced: true,
  }),
  allowKeys: option(text, {
    value: "<file>",
    help: "public keys that may join, one per line (see keygen); SIGHUP reloads the file",
    group: "Security",
    commands: { server: {}, stats: {} },
    path: "input",
    onResume: "any",
    isAnnounced: true,
  }),
  seatsPerKey: option(whole(1), {
    value: "<n>",
    help: "number of ranks that one key may hold at the same time",
    group: "Security",
    defaultText: "1",
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
  }),
  tlsCert: option(text, {
    value: "<file>",
    help: "certificate (PEM) for TLS",
    group: "Security",
    commands: { server: {}, stats: {} },
    path: "input",
    onResume: "any",
    isAnnounced: true,
  }),
  tlsKey: option(text, {
    value: "<file>",
    help: "private key (PEM) of the certificate",
    group: "Security",
    commands: { server: {}, stats: {} },
    path: "input",
    onResume: "any",
    isAnnounced: true,
  }),
  hosts: option(text, {
    value: "<names>",
    help: "host names under which web pages may reach this server by WebSocket, as in a,b:8443",
    group: "Security",
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
  }),
  origins: option(text, {
    value: "<origins>",
    help: "origins of web pages of other hosts that may join, as in https://a,https://b",
    group: "Security",
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
  }),
  requireSecure: option(onOff, {
    help: "take part only with secure aggregation: refuse a server that asks for single updates",
    group: "Security",
    default: false,
    commands: { client: {} },
    library: { client: (requireSecure) => ({ requireSecure }) },
  }),
  secureMinMembers: option(whole(3), {
    value: "<n>",
    help: "fewest clients, this one included, in whose sum its update is hidden",
    group: "Security",
    defaultText: "5",
    isRare: true,
    commands: { client: {} },
    library: { client: (secureMinMembers) => ({ secureMinMembers }) },
  }),
  secureKeys: option(text, {
    value: "<file>",
    help:
      "public keys of the federation's clients: take part only with secure aggregation, and only among clients that prove these keys (signed=true at the server), so that the server cannot invent clients",
    group: "Security",
    isRare: true,
    commands: { client: {} },
    path: "input",
  }),
  privacyMaxEpsilon: option(real({ above: 0 }), {
    value: "<x>",
    help: "take part only where the server guarantees differential privacy of at most this epsilon",
    group: "Security",
    commands: { client: {} },
    library: { client: (privacyMaxEpsilon) => ({ privacyMaxEpsilon }) },
  }),
  privacyMaxDelta: option(real({ above: 0, below: 1 }), {
    value: "<x>",
    help: "largest delta of the guarantee that --privacy-max-epsilon demands",
    group: "Security",
    defaultText: "1e-5",
    isRare: true,
    commands: { client: {} },
    library: { client: (privacyMaxDelta) => ({ privacyMaxDelta }) },
  }),
  key: option(text, {
    value: "<file>",
    help: "private key that proves the client's identity (see keygen)",
    group: "Security",
    commands: { client: {} },
    path: "input",
  }),
  tls: option(onOff, {
    help: "use TLS with the CAs that this machine trusts",
    group: "Security",
    default: false,
    commands: { client: {} },
  }),
  tlsCa: option(text, {
    value: "<file>",
    help: "use TLS and trust this CA (PEM)",
    group: "Security",
    commands: { client: {} },
    path: "input",
  }),
  serverName: option(text, {
    value: "<name>",
    help: "name of this server, which clients include in the proof of their key",
    group: "Security",
    isRare: true,
    commands: {
      server: { default: DEFAULT_SERVER_NAME },
      stats: { default: DEFAULT_SERVER_NAME },
      client: {
        help: "name that the server must have when it asks for a proof of the key",
        defaultText: "any name",
      },
    },
    onResume: "any",
    library: { server: (serverName) => ({ serverName }) },
  }),
  name: option(text, {
    value: "<text>",
    help: "name of the client, printed after its public key",
    group: "Security",
    commands: {
      keygen: {},
      client: {
        type: siteName,
        help: "name of this client's site, such as a hospital's, in the server's log and report",
        group: "Joining",
        defaultText: "none: the client is known by its rank",
      },
    },
    library: { client: (site) => ({ site }) },
  }),
};
