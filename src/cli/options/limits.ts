import { DEFAULT_PEER_LIMITS } from "../../server/sessions/peer_limits.ts";
import { option } from "./option.ts";
import { whole } from "./values.ts";

/** Describes the default of a limit, which grows with the world size. */
function orWorldSize(limit: number, factor = ""): string {
  return `${limit}, or ${factor}the world size if more`;
}

/** Options about the number of connections of a server. */
export const LIMITS = {
  connections: option(whole(1), {
    value: "<n>",
    help: "largest number of connections, from clients that have joined and others",
    group: "Security",
    defaultText: orWorldSize(DEFAULT_PEER_LIMITS.connections, "twice "),
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
    library: { limits: (connections) => ({ connections }) },
  }),
  connectionsPerAddress: option(whole(1), {
    value: "<n>",
    help: "largest number of connections from one address",
    group: "Security",
    defaultText: orWorldSize(DEFAULT_PEER_LIMITS.connectionsPerAddress),
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
    library: { limits: (connectionsPerAddress) => ({ connectionsPerAddress }) },
  }),
  unregistered: option(whole(1), {
    value: "<n>",
    help: "largest number of connections whose client has not yet joined",
    group: "Security",
    defaultText: orWorldSize(DEFAULT_PEER_LIMITS.unregistered),
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
    library: { limits: (unregistered) => ({ unregistered }) },
  }),
  arrivalsPerSecond: option(whole(1), {
    value: "<n>",
    help: "largest number of new connections from one address in a second, on average",
    group: "Security",
    defaultText: orWorldSize(DEFAULT_PEER_LIMITS.arrivalsPerSecond),
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
    library: { limits: (arrivalsPerSecond) => ({ arrivalsPerSecond }) },
  }),
  arrivalsAtOnce: option(whole(1), {
    value: "<n>",
    help: "largest number of new connections from one address at once, after a quiet time",
    group: "Security",
    defaultText: orWorldSize(DEFAULT_PEER_LIMITS.arrivalsAtOnce),
    isRare: true,
    commands: { server: {}, stats: {} },
    onResume: "any",
    library: { limits: (arrivalsAtOnce) => ({ arrivalsAtOnce }) },
  }),
};
