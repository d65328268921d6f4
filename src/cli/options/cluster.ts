import { option } from "./option.ts";
import { onOff, optionalText, text, whole } from "./values.ts";

/** Options about machines that do the jobs of a simulation. */
export const CLUSTER = {
  cluster: option(optionalText, {
    value: "<url>",
    help: "train on the machines of a cluster, whose NATS server is at this address",
    group: "Cluster",
    commands: {
      simulate: { type: text },
      demo: {
        value: "[url]",
        help:
          "train on two machines of a cluster: of a NATS server that is found and started, or of this one",
      },
      runs: {
        type: text,
        help: "list, compare and follow the runs of the cluster at this address",
      },
      worker: {
        type: text,
        help:
          "address of the cluster's NATS server, such as nats://host:4222; several with , between",
        isRequired: true,
      },
    },
    onResume: "any",
    isAnnounced: true,
  }),
  standby: option(onOff, {
    help: "take over a run of the cluster whose coordinator has died, and wait for one until then",
    group: "Cluster",
    default: false,
    commands: { simulate: {} },
    onResume: "any",
  }),
  clusterKey: option(text, {
    value: "<file>",
    help: "seed of an nkey, by which the cluster's server knows this process",
    group: "Cluster",
    commands: { simulate: { isRare: true }, runs: { isRare: true }, worker: {} },
    path: "input",
    onResume: "any",
    isAnnounced: true,
  }),
  clusterCreds: option(text, {
    value: "<file>",
    help: "credentials for the cluster's server: a JWT with the seed of its nkey",
    group: "Cluster",
    commands: { simulate: { isRare: true }, runs: { isRare: true }, worker: {} },
    path: "input",
    onResume: "any",
    isAnnounced: true,
  }),
  clusterCa: option(text, {
    value: "<file>",
    help: "certificates (PEM) that the cluster's server is checked by, with TLS",
    group: "Cluster",
    commands: { simulate: { isRare: true }, runs: { isRare: true }, worker: {} },
    path: "input",
    onResume: "any",
    isAnnounced: true,
  }),
  threads: option(whole(1, 1024), {
    value: "<n>",
    help: "number of threads that train",
    group: "Cluster",
    defaultText: "the number of CPU cores",
    commands: { worker: {} },
  }),
  machineName: option(text, {
    value: "<name>",
    help: "name of this machine in the messages of a run",
    group: "Cluster",
    defaultText: "a random one",
    commands: { worker: {} },
  }),
  allowModules: option(onOff, {
    help: "run the modules of handlers that runs have, in workers without permissions",
    group: "Cluster",
    default: false,
    commands: { worker: {} },
  }),
  cacheDir: option(text, {
    value: "<dir>",
    help: "folder in which the data of runs are kept for later ones",
    group: "Cluster",
    defaultText: "cluster in the user's cache folder for fedlab",
    commands: { worker: {} },
    path: "output-folder",
  }),
};
