import {
  type ClientBackendHandler,
  ClientSyncTop,
  type ClientTopologyOptions,
  type DistBackendName,
  MessageCode,
  type ParameterVector,
  ProtocolError,
  Random,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
} from "../../../mod.ts";
import type { MessageArguments } from "../../../src/server/run/server_topology.ts";
import { assertRejects } from "jsr:@std/assert@1.0.19";
import { ClearSum } from "../../../src/secure/clear_sum.ts";
import { LANES, quantizeUpdate } from "../../../src/secure/quantize.ts";
import type { Payload } from "../../../src/wire/messages.ts";
import { FakeHandler, vectorManifest } from "../../helpers/fake_handler.ts";

/** Stages of a round, by the message of the server that begins each. */
export const STAGES = {
  keys: MessageCode.SecureKeys,
  shares: MessageCode.SecureMembers,
  masked: MessageCode.SecureShares,
  reveal: MessageCode.UnmaskRequest,
} as const;

/** Name of a stage. */
export type StageName = keyof typeof STAGES;

export const LENGTH = 1001, SEED = 5;

/** Number of samples of a client. */
export function samplesOf(rank: number): number {
  return 10 * rank;
}

/** Change that a client's training makes in a round. */
export function changeOf(rank: number, round: number): ParameterVector {
  const random = new Random(SEED, "test", { round, rank });
  return Float32Array.from({ length: LENGTH }, () => 0.01 * random.normal());
}

/** Client whose training adds its change of the round. */
export function clientOf(rank: number): FakeHandler {
  return new FakeHandler(vectorManifest(LENGTH), {
    numSamples: samplesOf(rank),
    loss: rank / 4,
    step: (vector, { round }) => {
      const change = changeOf(rank, round);
      vector.forEach((value, i) => vector[i] = value + (change[i] ?? 0));
    },
  });
}

/** Handler of a server with secure aggregation. */
export function serverOf(
  more: Partial<SyncParameterServerHandlerOptions> = {},
): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: vectorManifest(LENGTH),
    parameters: new Float32Array(LENGTH).fill(0.5),
    seed: SEED,
    secureAggregation: { minMembers: 3, maxMembers: 10, maxSamples: 200 },
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 1, accuracy: 0 }),
    ...more,
  });
}

/** Model of rounds whose survivors are given, from the quantized sums in the clear. */
export function clearModel(
  survivors: readonly (readonly number[])[],
  handler: SyncParameterServerHandler = serverOf(),
): ParameterVector {
  const { secure } = handler;
  if (secure === undefined) throw new Error("not secure");
  survivors.forEach((ranks, at) => {
    const round = at + 1, base = handler.parameters.slice();
    const sum = new ClearSum(LENGTH + LANES);
    for (const rank of ranks) {
      const change = changeOf(rank, round);
      const trained = base.map((value, i) => value + (change[i] ?? 0));
      const update = trained.map((value, i) => value - (base[i] ?? 0));
      const figures = { samples: samplesOf(rank), loss: rank / 4, steps: 1 };
      sum.add(quantizeUpdate(secure.ring, update, figures, { seed: SEED, round, rank }));
    }
    handler.beginRound(round, 5);
    handler.takeSum(secure.ring, sum.finish(), ranks);
    handler.updateModel();
  });
  return handler.parameters;
}

/** Client that does something before it acts on a message of a code. */
export class WatchedClient extends ClientSyncTop {
  /** Called before the client acts on a message. */
  before: (code: MessageCode, payload: Payload) => void | Promise<void> = () => {};

  override async onReceive(sender: number, code: MessageCode, payload: Payload): Promise<void> {
    await this.before(code, payload);
    await super.onReceive(sender, code, payload);
  }
}

/** Parts of a run of {@linkcode runSecure}. */
export interface SecureRunOptions {
  readonly clients?: number;
  readonly rounds?: number;
  readonly distBackend?: DistBackendName;
  readonly handler?: SyncParameterServerHandler;
  readonly server?: Partial<ServerTopologyOptions>;
  readonly client?: (rank: number) => Partial<ClientTopologyOptions>;
  readonly handlerOf?: (rank: number) => ClientBackendHandler;
  readonly before?: (rank: number, code: MessageCode, payload: Payload) => void | Promise<void>;
  readonly onEvent?: (event: ServerEvent) => void;
  readonly signal?: AbortSignal;
  /** Reports whether a client's connection is cut, before its message is taken or after. */
  readonly cut?: (rank: number, code: MessageCode) => "before" | "after" | undefined;
}

/** Server that cuts connections of clients, which come back. */
class CuttingServer extends ServerSyncTop {
  cut: NonNullable<SecureRunOptions["cut"]> = () => undefined;

  override async onReceive(sender: number, ...message: MessageArguments): Promise<void> {
    const when = this.cut(sender, message[0]);
    if (when !== "before") await super.onReceive(sender, ...message);
    if (when !== undefined) this.activeRun.disconnect(sender, "cut by the test");
  }
}

/** Result of a run of {@linkcode runSecure}. */
export interface SecureRunResult {
  readonly report: RunReport;
  readonly model: ParameterVector;
  /** Errors of the clients, by rank; absent where a client has ended well. */
  readonly errors: ReadonlyMap<number, Error>;
}

const LISTEN = { tcp: "127.0.0.1:0", websocket: "ws://127.0.0.1:0/" };

/** Runs a server with secure aggregation and its clients to the end of all. */
export async function runSecure(options: SecureRunOptions = {}): Promise<SecureRunResult> {
  const { clients = 5, rounds = 2, distBackend = "memory", handler = serverOf() } = options;
  const group = { distBackend, logger: silentLogger };
  const running: Promise<void>[] = [], errors = new Map<number, Error>();
  const topology = new CuttingServer(handler, {
    ...group,
    listen: distBackend === "memory" ? `secure-${crypto.randomUUID()}` : LISTEN[distBackend],
    worldSize: clients + 1,
    rounds,
    ...options.server,
    onEvent: (event) => {
      options.onEvent?.(event);
      if (event.type !== "listening") return;
      for (let rank = 1; rank <= clients; rank++) {
        const client = new WatchedClient(options.handlerOf?.(rank) ?? clientOf(rank), {
          ...group,
          serverAddr: event.address,
          rank,
          secureMinMembers: 3,
          ...options.client?.(rank),
        });
        client.before = (code, payload) => options.before?.(rank, code, payload);
        running.push(client.run().catch((error) => void errors.set(rank, error)));
      }
    },
  });
  topology.cut = options.cut ?? topology.cut;
  try {
    const { signal } = options, report = await topology.run(signal ? { signal } : {});
    return { report, model: handler.parameters, errors };
  } finally {
    await Promise.all(running);
  }
}

/** Returns the error with which a client leaves a server that it does not accept. */
export async function refusalOf(
  handler: SyncParameterServerHandler,
  options: Partial<ClientTopologyOptions>,
): Promise<ProtocolError> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const stop = new AbortController(), listening = Promise.withResolvers<string>();
  const server = new ServerSyncTop(handler, {
    ...group,
    listen: `refused-${crypto.randomUUID()}`,
    worldSize: 4,
    rounds: 1,
    onEvent: (event) => event.type === "listening" && listening.resolve(event.address),
  });
  const running = server.run({ signal: stop.signal }).catch(() => {});
  const serverAddr = await listening.promise;
  const client = new WatchedClient(clientOf(1), { ...group, serverAddr, ...options });
  const error = await assertRejects(() => client.run(), ProtocolError);
  stop.abort();
  await running;
  return error;
}
