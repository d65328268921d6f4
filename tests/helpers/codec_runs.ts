import {
  digits,
  initialParameters,
  mlp,
  NativeSGDHandler,
  parseStrategy,
  partition,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { type Codec, parseCodec } from "../../src/codec/mod.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import { vectorManifest } from "./fake_handler.ts";
import { frozenModel } from "./frozen_model.ts";
import { Peer } from "./peer.ts";
import { runSync } from "./sync_run.ts";

/** Numbers of every run, and its seed. */
export const CLIENTS = 3, ROUNDS = 3, SEED = 3;
const all = await digits();
/** A few of the digits. */
export const train = all.select(Array.from({ length: 120 }, (_, i) => i));
/** Rows of each client. */
export const parts = [...partition("iid", train, { parts: CLIENTS, seed: SEED })];
/** A small model of them. */
export const model = mlp({ inputShape: train.shape, numClasses: train.numClasses, hiddenUnits: 8 });

type Options = Partial<ConstructorParameters<typeof SyncParameterServerHandler>[0]>;

/** Makes the handler of a server with codecs. */
export async function handlerOf(
  uplink: string | Codec | undefined,
  downlink: string | Codec | undefined,
  more: Options = {},
): Promise<SyncParameterServerHandler> {
  const codecOf = (codec: string | Codec) => typeof codec === "string" ? parseCodec(codec) : codec;
  return new SyncParameterServerHandler({
    ...await initialParameters(model, SEED),
    model,
    plan: { epochs: 1, batchSize: 16, learningRate: 0.1 },
    seed: SEED,
    ...(uplink && { uplink: codecOf(uplink) }),
    ...(downlink && { downlink: codecOf(downlink) }),
    ...more,
  });
}

/** Returns the options of a model of which only a part travels. */
export async function partialOptions(kind: "frozen" | "fedper"): Promise<Options> {
  const made = kind === "frozen" ? frozenModel(8) : model;
  return {
    ...await initialParameters(made, SEED, { engine: "native" }),
    model: made,
    ...(kind === "fedper" && { strategy: parseStrategy("fedper:local=logits/") }),
  };
}

/** Simulates a run to its end. The server of a private one evaluates. */
export function simulated(
  handler: SyncParameterServerHandler,
  rounds = ROUNDS,
): Promise<RunReport> {
  const test = handler.privacy && { test: train };
  return new Simulation(handler, { train, parts, rounds, pool: InProcessPool.start, ...test })
    .run();
}

/** Runs a server and its clients to their end. */
export function live(
  handler: SyncParameterServerHandler,
  more: Partial<Parameters<typeof runSync>[1]> = {},
): Promise<RunReport> {
  const clients = parts.map((rows) => new NativeSGDHandler({ data: train, rows }));
  return runSync(handler, { clients, rounds: ROUNDS, ...more });
}

/** Runs a server of one client that a peer speaks for by hand. */
export async function withPeer(
  body: (peer: Peer, length: number) => Promise<void>,
  { uplink, downlink, evaluates = true }: {
    readonly uplink?: string;
    readonly downlink?: string;
    /** False if the clients evaluate. Default true. */
    readonly evaluates?: boolean;
  },
): Promise<SyncParameterServerHandler> {
  const manifest = vectorManifest(40);
  const handler = new SyncParameterServerHandler({
    ...{ manifest, parameters: new Float32Array(40).fill(1), seed: SEED },
    ...(uplink && { uplink: parseCodec(uplink) }),
    ...(downlink && { downlink: parseCodec(downlink) }),
    ...(evaluates && { evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }) }),
  });
  const { promise: address, resolve } = Promise.withResolvers<string>();
  const server = new ServerSyncTop(handler, {
    ...{ listen: "127.0.0.1:0", worldSize: 2, rounds: 1, roundTries: 1, logger: silentLogger },
    onEvent: (event) => event.type === "listening" && resolve(event.address),
  });
  const running = server.run().catch((error) => error as Error);
  const peer = await Peer.connect(await address);
  try {
    await body(peer, manifest.length);
  } finally {
    await peer[Symbol.asyncDispose]();
    await running;
  }
  return handler;
}
