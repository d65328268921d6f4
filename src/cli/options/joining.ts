import { SHARED_METRICS } from "../../client/options.ts";
import { DIST_BACKEND_NAMES } from "../../net/backend.ts";
import { isWebSocketAddress } from "../../net/websocket/address.ts";
import { DASHBOARD_ADDRESS } from "./dashboard.ts";
import { option } from "./option.ts";
import { choice, text, whole } from "./values.ts";

/** Address where a server listens, and a client finds it, unless another one is given. */
const ADDRESS = "127.0.0.1:9000";

/** Options about the processes of a federation and how they find one another. */
export const JOINING = {
  listen: option(text, {
    value: "<host:port>",
    help: "address to listen on; ws://host:port/path or wss:// for WebSockets",
    group: "Joining",
    default: ADDRESS,
    commands: {
      server: {},
      stats: {},
      doctor: { help: "address on which a server would listen" },
      dashboard: { help: "address to listen on", default: DASHBOARD_ADDRESS },
    },
    onResume: "any",
    isAnnounced: true,
    library: { server: (listen) => ({ listen }) },
  }),
  server: option(text, {
    value: "<host:port>",
    help: "address of the server; ws://host:port/path or wss:// for WebSockets",
    group: "Joining",
    default: ADDRESS,
    commands: { client: {} },
    library: {
      client: (serverAddr) => ({
        serverAddr,
        ...(isWebSocketAddress(serverAddr) && { distBackend: "websocket" }),
      }),
    },
  }),
  reach: option(text, {
    value: "<host:port>",
    help: "address of a server to connect to; ws://host:port/path or wss:// for WebSockets",
    group: "Joining",
    commands: { doctor: {} },
  }),
  worldSize: option(whole(2, 0xFFFF_FFFF), {
    value: "<n>",
    help: "world size that the server must have, else the client does not join",
    group: "Joining",
    commands: {
      server: {
        help: "number of processes: the clients and the server; required unless --resume is given",
      },
      stats: { help: "number of processes: the clients and the server" },
      client: { isRare: true },
    },
    onResume: "grow",
    library: {
      server: (worldSize) => ({ worldSize }),
      client: (worldSize) => ({ worldSize }),
    },
  }),
  clients: option(whole(1), {
    value: "<n>",
    help: "number of clients (K)",
    group: "Joining",
    commands: {
      demo: {
        type: whole(1, 1000),
        help: "number of clients; more than 64 only with --transport memory",
        default: 4,
      },
      simulate: { group: "Training", default: 100 },
      partition: { group: "Data", default: 10 },
    },
  }),
  minClients: option(whole(1), {
    value: "<n>",
    help: "after --join-seconds, start if at least this many clients have joined",
    group: "Joining",
    defaultText: "all",
    commands: { server: {}, stats: {} },
    onResume: "any",
    library: { server: (minClients) => ({ minClients }) },
  }),
  rank: option(whole(1, 0xFFFF_FFFF), {
    value: "<k>",
    help: "number of this client in the run, from 1",
    group: "Joining",
    defaultText: "the lowest free rank",
    commands: { client: {} },
    library: { client: (rank) => ({ rank }) },
  }),
  shareMetrics: option(choice(SHARED_METRICS), {
    value: "<which>",
    help:
      "figures of training and evaluation that are sent to the server: none (none), the loss (loss), or all (all)",
    group: "Joining",
    default: "all",
    isRare: true,
    commands: { client: {} },
    library: { client: (shareMetrics) => ({ shareMetrics }) },
  }),
  transport: option(choice(DIST_BACKEND_NAMES), {
    value: "<name>",
    help: "clients in workers over TCP (tcp) or WebSockets (websocket), or in one thread (memory)",
    group: "Joining",
    default: "tcp",
    commands: { demo: {} },
  }),
};
