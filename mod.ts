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
  ProtocolError,
  RunStoppedError,
} from "./src/base/errors.ts";
export { openLog, silentLogger } from "./src/base/log/log.ts";
export { Random } from "./src/base/random.ts";
export { VERSION } from "./src/base/version.ts";
export type { Logger, LogOptions, ProtocolFault } from "./src/base/mod.ts";

// Keys and tokens: all of it is at @fedlab/core/auth.
export { readAllowedKeys } from "./src/auth/allowed_keys.ts";
export { readPrivateKey } from "./src/auth/key_pair.ts";
export type { Credential, Gatekeeper } from "./src/auth/mod.ts";

// Clients: all of it is at @fedlab/core/client.
export { ClientAsyncTop } from "./src/client/async_topology.ts";
export { ClientFollowingTop } from "./src/client/following_topology.ts";
export { ClientSyncTop } from "./src/client/sync_topology.ts";
export { ClientCommunicationTopology } from "./src/client/topology.ts";
export type { ClientEvent, ClientTopologyOptions, RunOptions } from "./src/client/mod.ts";

// Data sets: all of it is at @fedlab/core/data.
export { loadDataset, openData } from "./src/data/catalog/load.ts";
export { readTableDataset } from "./src/data/catalog/read_table_dataset.ts";
export { Dataset } from "./src/data/dataset.ts";
export { digits } from "./src/data/digits.ts";
export { readIdxDataset } from "./src/data/formats/idx/idx_dataset.ts";
export { partitionDirichlet } from "./src/data/partition/dirichlet.ts";
export { partitionIid } from "./src/data/partition/iid.ts";
export { parsePartition, partition } from "./src/data/partition/partition.ts";
export { schemaOf } from "./src/data/schema/schema_of.ts";
export { tableOf } from "./src/data/schema/table_of.ts";
export { tableSource } from "./src/data/sources/table_source.ts";
export { holdOut, trainTestSplit } from "./src/data/split.ts";
export type { Partition } from "./src/data/mod.ts";

// Training: all of it is at @fedlab/core/engine.
export { ClientSGDHandler } from "./src/engine/client_handler.ts";
export { initialParameters, modelEvaluator } from "./src/engine/model_evaluator.ts";
export { NativeSGDHandler } from "./src/engine/native_handler.ts";
export type { ClientSGDHandlerOptions } from "./src/engine/mod.ts";

// Transports: all of it is at @fedlab/core/net.
export { SERVER_RANK } from "./src/base/rank.ts";
export { websocketMount } from "./src/net/websocket/mount.ts";
export type {
  DistBackend,
  DistBackendName,
  Rank,
  Timeouts,
  TlsOptions,
  Transport,
} from "./src/net/mod.ts";

// Parameters: all of it is at @fedlab/core/params.
export { Manifest } from "./src/params/manifest.ts";
export type { ParameterVector, TensorDeclaration } from "./src/params/mod.ts";

// Settings of training: all of it is at @fedlab/core/plan.
export { CannotTrainError } from "./src/plan/cannot_train.ts";
export type {
  EvaluateResult,
  LocalRule,
  TrainPlan,
  TrainResult,
  TrainSettings,
} from "./src/plan/mod.ts";

// Handlers of the global model, reports: all of it is at @fedlab/core/round.
export { AsyncParameterServerHandler } from "./src/round/handler/async_handler.ts";
export { DEFAULT_PLAN } from "./src/round/handler/client_plan.ts";
export { SyncParameterServerHandler } from "./src/round/handler/sync_handler.ts";
export { ParameterServerBackendHandler } from "./src/round/handler/sync_server_backend_handler.ts";
export { parseSelection } from "./src/round/selection/registry.ts";
export type {
  AsyncParameterServerHandlerOptions,
  ClientSelection,
  RoundReport,
  RunReport,
  ServerEvent,
  SyncParameterServerHandlerOptions,
} from "./src/round/mod.ts";

// Servers: all of it is at @fedlab/core/server.
export { ServerAsyncTop } from "./src/server/asynchronous/async_topology.ts";
export { AuditLog } from "./src/server/audit_log.ts";
export { ServerSyncTop } from "./src/server/sync_topology.ts";
export { ServerCommunicationTopology } from "./src/server/topology.ts";
export type { PeerLimits, ServerAsyncOptions, ServerTopologyOptions } from "./src/server/mod.ts";

// Simulation: all of it is at @fedlab/core/sim.
export { defineClient } from "./src/sim/define_client.ts";
export { Simulation } from "./src/sim/simulation.ts";
export type { SimulationOptions } from "./src/sim/mod.ts";

// Checkpoints and models on disk: all of it is at @fedlab/core/store.
export { CheckpointStore } from "./src/store/checkpoint/files/checkpoint_store.ts";
export { KvCheckpointStore } from "./src/store/checkpoint/kv/kv_checkpoint_store.ts";
export { readSafetensors, writeSafetensors } from "./src/store/safetensors/safetensors.ts";
export type { Checkpoint, Checkpoints } from "./src/store/mod.ts";

// Algorithms: all of it is at @fedlab/core/strategy.
export { FedAsync } from "./src/strategy/asynchronous/fedasync.ts";
export { FedBuff } from "./src/strategy/asynchronous/fedbuff.ts";
export { FedAvg } from "./src/strategy/averaging/fedavg.ts";
export { FedDyn } from "./src/strategy/averaging/feddyn.ts";
export { FedNova } from "./src/strategy/averaging/fednova.ts";
export { FedSGD } from "./src/strategy/averaging/fedsgd.ts";
export { Flex } from "./src/strategy/low_rank/flex.ts";
export { QFedAvg } from "./src/strategy/averaging/qfedavg.ts";
export { Scaffold } from "./src/strategy/averaging/scaffold.ts";
export { Ditto } from "./src/strategy/client_side/ditto.ts";
export { FedPer } from "./src/strategy/client_side/fedper.ts";
export { FedProx } from "./src/strategy/client_side/fedprox.ts";
export { parseAsyncStrategy, parseStrategy, strategyOf } from "./src/strategy/registry.ts";
export { Bulyan } from "./src/strategy/robust/bulyan.ts";
export { CoordinateMedian } from "./src/strategy/robust/coordinate_median.ts";
export { GeometricMedian } from "./src/strategy/robust/geometric_median.ts";
export { Krum, MultiKrum } from "./src/strategy/robust/krum.ts";
export { NormClipping } from "./src/strategy/robust/norm_clipping.ts";
export { TrimmedMean } from "./src/strategy/robust/trimmed_mean.ts";
export { FedAdagrad, FedAdam, FedYogi } from "./src/strategy/server_optimizer/adaptive.ts";
export { FedAvgM } from "./src/strategy/server_optimizer/fedavgm.ts";
export type { AsyncStrategy, ClientUpdate, Strategy, StrategyRound } from "./src/strategy/mod.ts";

// Handlers and models of clients: all of it is at @fedlab/core/train.
export { ClientBackendHandler } from "./src/train/handler.ts";
export { cnn, logisticRegression, mlp, modelByName, twoNN } from "./src/train/models/models.ts";
export { SGDHandler } from "./src/train/sgd_handler.ts";
export type { LossName, ModelDescription } from "./src/train/mod.ts";

// Messages: all of it is at @fedlab/core/wire.
export { MessageCode } from "./src/wire/message_code.ts";
export type { Payload } from "./src/wire/mod.ts";
