/**
 * Federated learning on Deno: a server holds a global model, and clients train it on data that stays
 * on their machines.
 *
 * The names that most programs need. Everything else is at an entry point of its own, one for each
 * folder of `src/`, such as `@fedlab/core/data`. TensorFlow.js is loaded only for models that the
 * native engine cannot run.
 *
 * @module
 */

// Errors, logs, random numbers: all of it is at @fedlab/core/base.
export {
  ConnectionClosedError,
  DeadlineError,
  errorMessage,
  openLog,
  ProtocolError,
  Random,
  RunStoppedError,
  silentLogger,
  VERSION,
} from "./src/base/mod.ts";
export type { Logger, LogOptions, ProtocolFault } from "./src/base/mod.ts";

// Keys and tokens: all of it is at @fedlab/core/auth.
export { readAllowedKeys, readPrivateKey } from "./src/auth/mod.ts";
export type { Credential, Gatekeeper } from "./src/auth/mod.ts";

// Clients: all of it is at @fedlab/core/client.
export {
  ClientAsyncTop,
  ClientCommunicationTopology,
  ClientFollowingTop,
  ClientSyncTop,
} from "./src/client/mod.ts";
export type { ClientEvent, ClientTopologyOptions, RunOptions } from "./src/client/mod.ts";

// Data sets: all of it is at @fedlab/core/data.
export {
  Dataset,
  digits,
  holdOut,
  loadDataset,
  openData,
  parsePartition,
  partition,
  partitionDirichlet,
  partitionIid,
  readIdxDataset,
  readTableDataset,
  schemaOf,
  tableOf,
  tableSource,
  trainTestSplit,
} from "./src/data/mod.ts";
export type { Partition } from "./src/data/mod.ts";

// Training: all of it is at @fedlab/core/engine.
export {
  ClientSGDHandler,
  initialParameters,
  modelEvaluator,
  NativeSGDHandler,
} from "./src/engine/mod.ts";
export type { ClientSGDHandlerOptions } from "./src/engine/mod.ts";

// Transports: all of it is at @fedlab/core/net.
export { SERVER_RANK, websocketMount } from "./src/net/mod.ts";
export type {
  DistBackend,
  DistBackendName,
  Rank,
  Timeouts,
  TlsOptions,
  Transport,
} from "./src/net/mod.ts";

// Parameters: all of it is at @fedlab/core/params.
export { Manifest } from "./src/params/mod.ts";
export type { ParameterVector, TensorDeclaration } from "./src/params/mod.ts";

// Settings of training: all of it is at @fedlab/core/plan.
export { CannotTrainError } from "./src/plan/mod.ts";
export type {
  EvaluateResult,
  LocalRule,
  TrainPlan,
  TrainResult,
  TrainSettings,
} from "./src/plan/mod.ts";

// Handlers of the global model, reports: all of it is at @fedlab/core/round.
export {
  AsyncParameterServerHandler,
  DEFAULT_PLAN,
  ParameterServerBackendHandler,
  parseSelection,
  SyncParameterServerHandler,
} from "./src/round/mod.ts";
export type {
  AsyncParameterServerHandlerOptions,
  ClientSelection,
  RoundReport,
  RunReport,
  ServerEvent,
  SyncParameterServerHandlerOptions,
} from "./src/round/mod.ts";

// Servers: all of it is at @fedlab/core/server.
export {
  AuditLog,
  ServerAsyncTop,
  ServerCommunicationTopology,
  ServerStatisticsTop,
  ServerSyncTop,
} from "./src/server/mod.ts";
export type {
  PeerLimits,
  ServerAsyncOptions,
  ServerStatisticsOptions,
  ServerTopologyOptions,
} from "./src/server/mod.ts";

// Simulation: all of it is at @fedlab/core/sim.
export { defineClient, Simulation } from "./src/sim/mod.ts";
export type { SimulationOptions } from "./src/sim/mod.ts";

// Checkpoints and models on disk: all of it is at @fedlab/core/store.
export {
  CheckpointStore,
  KvCheckpointStore,
  readSafetensors,
  writeSafetensors,
} from "./src/store/mod.ts";
export type { Checkpoint, Checkpoints } from "./src/store/mod.ts";

// Algorithms: all of it is at @fedlab/core/strategy.
export {
  Bulyan,
  CoordinateMedian,
  Ditto,
  FedAdagrad,
  FedAdam,
  FedAsync,
  FedAvg,
  FedAvgM,
  FedBuff,
  FedDyn,
  FedNova,
  FedPer,
  FedProx,
  FedSGD,
  FedYogi,
  GeometricMedian,
  Krum,
  MultiKrum,
  NormClipping,
  parseAsyncStrategy,
  parseStrategy,
  QFedAvg,
  Scaffold,
  strategyOf,
  TrimmedMean,
} from "./src/strategy/mod.ts";
export type { AsyncStrategy, ClientUpdate, Strategy, StrategyRound } from "./src/strategy/mod.ts";

// Handlers and models of clients: all of it is at @fedlab/core/train.
export {
  ClientBackendHandler,
  cnn,
  logisticRegression,
  mlp,
  modelByName,
  SGDHandler,
  twoNN,
} from "./src/train/mod.ts";
export type { LossName, ModelDescription } from "./src/train/mod.ts";

// Messages: all of it is at @fedlab/core/wire.
export { MessageCode } from "./src/wire/mod.ts";
export type { Payload } from "./src/wire/mod.ts";
