import { ENCODER_USAGE } from "../../train/models/encoder/by_name.ts";
import { LANGUAGE_USAGE } from "../../train/models/language_by_name.ts";
import { OPTIMIZER_NAMES } from "../../plan/settings.ts";
import { addPermission } from "../module/permissions.ts";
import { type CommandName, option, type OptionUse } from "./option.ts";
import { choice, onOff, real, text, whole } from "./values.ts";

/** The commands that train by SGD with settings of their own. */
const TRAINS = { demo: {}, server: {}, simulate: {} } as const satisfies {
  [Name in CommandName]?: OptionUse<never>;
};

/** The commands that compute with an engine. */
const COMPUTES = { ...TRAINS, client: {}, reproduce: {}, predict: {}, evaluate: {} } as const;

/** Use of the option `base` by the commands that use a trained model. */
const OF_MODEL = { group: "Model" } as const;

/** Use of the option `model` by the commands that use a trained model. */
const FILE = { group: "Model", help: "safetensors file of the model, in place of --run" } as const;

const OWN_EPOCHS = "local epochs per round of this client, where the server allows it";
const OWN_BATCH_SIZE = "samples per step of this client, where the server allows it";

/** Options about the model, its training and its evaluation. */
export const TRAINING = {
  model: option(text, {
    value: "<name>",
    help:
      `model: lr, mlp, 2nn, cnn, ${LANGUAGE_USAGE}, ${ENCODER_USAGE}, or the path of a model description (.json)`,
    group: "Training",
    commands: {
      demo: { help: "model: lr, mlp, 2nn or cnn", default: "mlp" },
      server: { default: "mlp" },
      simulate: { default: "2nn" },
      ...{ predict: FILE, evaluate: FILE, export: FILE, generate: FILE },
    },
    path: "input",
    isPath: (name) => /\.(json|safetensors)$/.test(name),
    isAnnounced: true,
  }),
  rounds: option(whole(1), {
    value: "<n>",
    help: "number of rounds",
    group: "Training",
    commands: {
      demo: { default: 15 },
      server: { type: whole(1, 0xFFFF_FFFF), default: 10 },
      simulate: { default: 50 },
    },
    mode: "sync",
    onResume: "any",
    library: { rounds: (rounds) => ({ rounds }) },
  }),
  epochs: option(whole(1, 0xFFFF_FFFF), {
    value: "<n>",
    help: "local epochs per round (E)",
    group: "Training",
    commands: {
      ...{ demo: { default: 2 }, server: { default: 1 }, simulate: { default: 1 } },
      client: { help: OWN_EPOCHS, defaultText: "as the server says", isRare: true },
    },
    library: { plan: (epochs) => ({ epochs }) },
  }),
  batchSize: option(whole(0, 0xFFFF_FFFF), {
    value: "<n>",
    help: "samples per step (B); 0 for all samples of a client",
    group: "Training",
    commands: {
      ...{ demo: { default: 10 }, server: { default: 10 }, simulate: { default: 10 } },
      client: { help: OWN_BATCH_SIZE, defaultText: "as the server says", isRare: true },
    },
    library: { plan: (batchSize) => ({ batchSize }) },
  }),
  lr: option(real({ above: 0 }), {
    value: "<x>",
    help: "learning rate",
    group: "Training",
    default: 0.1,
    commands: TRAINS,
    onResume: "any",
    library: { plan: (learningRate) => ({ learningRate }) },
  }),
  momentum: option(real({ least: 0, below: 1 }), {
    value: "<x>",
    help: "momentum of SGD",
    group: "Training",
    default: 0,
    commands: TRAINS,
    library: { plan: (momentum) => ({ momentum }) },
  }),
  nesterov: option(onOff, {
    help: "use Nesterov's momentum",
    group: "Training",
    default: false,
    isRare: true,
    commands: TRAINS,
    // Settings that are off are left out: clients that do not know them can read the plan.
    library: { plan: (nesterov) => nesterov ? { nesterov } : {} },
  }),
  optimizer: option(choice(OPTIMIZER_NAMES), {
    value: "<name>",
    help: "optimizer of the clients",
    group: "Training",
    default: "sgd",
    commands: TRAINS,
    library: { plan: (optimizer) => optimizer === "sgd" ? {} : { optimizer } },
  }),
  weightDecay: option(real({ least: 0 }), {
    value: "<x>",
    help: "strength of the L2 penalty on the weights; with adamw, of their decay",
    group: "Training",
    default: 0,
    isRare: true,
    commands: TRAINS,
    library: { plan: (weightDecay) => ({ weightDecay }) },
  }),
  proximal: option(real({ least: 0 }), {
    value: "<x>",
    help: "strength of FedProx's proximal term, which keeps clients near the global model",
    group: "Training",
    default: 0,
    isRare: true,
    commands: TRAINS,
    library: { plan: (proximal) => proximal > 0 ? { proximal } : {} },
  }),
  keepMomentum: option(onOff, {
    help: "clients keep momentum, or Adam's moments, from round to round",
    group: "Training",
    default: false,
    isRare: true,
    commands: TRAINS,
    library: { plan: (keepMomentum) => ({ keepMomentum }) },
  }),
  evaluate: option(choice(["server", "clients", "both"]), {
    value: "<where>",
    help:
      "evaluate on the test data (server), on the clients' own data (clients), or on both (both)",
    group: "Training",
    default: "server",
    commands: {
      server: {
        type: choice(["server", "clients"]),
        help: "evaluate on the server's data (server) or on the clients' own data (clients)",
      },
      simulate: {},
    },
    onResume: "any",
  }),
  evaluateEvery: option(whole(1), {
    value: "<n>",
    help: "rounds between evaluations",
    group: "Training",
    default: 1,
    formerly: "--eval-every",
    commands: {
      simulate: {},
      server: {
        help: "model versions between evaluations and checkpoints, with --mode async",
        isRare: true,
      },
    },
    mode: "async",
    onResume: "any",
    library: {
      versions: (evaluateEvery) => ({ evaluateEvery }),
      simulation: (evaluateEvery) => ({ evaluateEvery }),
    },
  }),
  targetAccuracy: option(real({ above: 0, most: 1 }), {
    value: "<a>",
    help: "stop when the accuracy reaches this value",
    group: "Training",
    commands: { simulate: {} },
    onResume: "any",
    library: { simulation: (targetAccuracy) => ({ targetAccuracy }) },
  }),
  seed: option(whole(0, 0xFFFF_FFFF), {
    value: "<n>",
    help: "seed of all random choices",
    group: "Training",
    commands: {
      ...{ demo: { default: 0 }, server: { default: 0 }, simulate: { default: 0 } },
      client: { group: "Data", help: "seed of the partition, if --part is given", default: 0 },
      partition: { group: "Data", help: "seed of the partition", default: 0 },
      reproduce: { help: "seed of the first run", default: 1 },
      generate: { group: "Output", help: "seed of the draws", default: 0 },
    },
  }),
  engine: option(choice(["auto", "native", "tfjs"]), {
    value: "<name>",
    help:
      "what computes: WebAssembly kernels (native), TensorFlow.js (tfjs), or native where it supports the model and else tfjs (auto)",
    group: "Training",
    default: "auto",
    commands: COMPUTES,
    onResume: "any",
    library: { engine: (engine) => ({ engine }) },
  }),
  backend: option(choice(["auto", "wasm", "cpu"]), {
    value: "<name>",
    help: "backend of TensorFlow.js",
    group: "Training",
    default: "auto",
    isRare: true,
    commands: COMPUTES,
    onResume: "any",
    library: { engine: (backend) => ({ backend }) },
  }),
  strictDeterminism: option(onOff, {
    help: "use kernels that round identically on every machine; somewhat slower",
    group: "Training",
    default: false,
    isRare: true,
    commands: {
      ...COMPUTES,
      generate: {},
      worker: { help: "use only kernels that round identically on every machine" },
    },
    library: { engine: (strictDeterminism) => ({ strictDeterminism }) },
  }),
  workers: option(whole(1, 1024), {
    value: "<n>",
    help: "number of threads that train, the command's own included",
    group: "Training",
    defaultText: "the number of CPU cores",
    commands: { simulate: {}, reproduce: {} },
    onResume: "any",
    library: { simulation: (workers) => ({ workers }) },
  }),
  short: option(onOff, {
    help: "run only the cases that take minutes",
    group: "Training",
    default: false,
    commands: { reproduce: {} },
  }),
  codecs: option(onOff, {
    help: "compare runs with codecs of updates and parameters with those without",
    group: "Training",
    default: false,
    commands: { reproduce: {} },
  }),
  base: option(text, {
    value: "<file>",
    help:
      "safetensors file of the pretrained encoder that the model is described on; it must be the one that the description names by its digest",
    group: "Training",
    defaultText: "none",
    commands: {
      ...{ server: {}, client: {}, simulate: {} },
      ...{ predict: OF_MODEL, evaluate: OF_MODEL },
    },
    onResume: "any",
    path: "input",
  }),
  adapterRank: option(whole(1, 256), {
    value: "<n>",
    help: "largest rank of the adapters that this client trains, in a run by flex",
    group: "Training",
    defaultText: "that of the model",
    isRare: true,
    commands: { client: {} },
  }),
  module: option(text, {
    value: "<path>",
    help: "run the client that this module defines with defineClient(), in a sandboxed process",
    group: "Training",
    commands: { client: {} },
    path: "input",
  }),
  moduleAllow: option({ parse: addPermission }, {
    value: "<permission>",
    help: "Deno permission for the module, such as read=data.csv; may be repeated",
    group: "Training",
    commands: { client: {} },
  }),
};
