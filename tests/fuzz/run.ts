import {
  ClientSyncTop,
  type ClientUpdate,
  FedAvg,
  Manifest,
  Random,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  type Strategy,
  SyncParameterServerHandler,
  type TrainPlan,
  type Transport,
} from "../../mod.ts";
import { parseCodec } from "../../src/codec/mod.ts";
import { tlsTransport, transportOf } from "../../src/net/mod.ts";
import { FakeHandler } from "../helpers/fake_handler.ts";

/** Variable with the number of honest clients, for both processes. */
export const HONEST_VARIABLE = "FEDLAB_FUZZ_HONEST";
/** The ranks of the honest clients. */
export const HONEST: readonly number[] = Array.from(
  { length: Number(Deno.env.get(HONEST_VARIABLE) ?? 2) },
  (_, i) => i + 1,
);
/** Values of the model. */
export const LENGTH = 2000;
/** Server and honest clients, with free ranks for others. */
export const WORLD_SIZE = HONEST.length + 98;

/** What who may join knows, where not everyone may. */
export const TOKEN = "zebra-violet-93-quarry";

/** Codec of the updates of clients that know it. */
export const CODEC = "int8";

/** Values that stay on the clients. */
export const LOCAL = 24;

export const MANIFEST = Manifest.of([
  { name: "w", shape: [LENGTH - LOCAL] },
  { name: "head/w", shape: [LOCAL] },
]);

/**
 * Averages the honest clients' updates alone: what another client sends by the rules is its right,
 * and must not blur the comparison.
 */
class HonestAvg implements Strategy {
  readonly name = "honest-avg";
  readonly clientSettings = { rule: { name: "fedper", local: ["head/"] } } as const;
  readonly #inner = new FedAvg();
  readonly workingVectors = this.#inner.workingVectors;

  begin(global: Float32Array<ArrayBuffer>) {
    const round = this.#inner.begin(global);
    return {
      accept(update: ClientUpdate): void {
        if (update.rank <= HONEST.length) round.accept(update);
      },
      finish: () => round.finish(),
    };
  }
}

/** What a server listens on. */
export type TransportName = "tcp" | "tls" | "websocket";

/** The transport of that name, for both sides. */
export async function transportNamed(name: TransportName): Promise<Transport> {
  if (name !== "tls") return transportOf(name);
  const read = (file: string) =>
    Deno.readTextFile(new URL(`../fixtures/tls/${file}`, import.meta.url));
  const [cert, key, ca] = await Promise.all(["server.pem", "server.key", "ca.pem"].map(read));
  return tlsTransport({ cert: cert ?? "", key: key ?? "", caCerts: [ca ?? ""] });
}

/** What a run is like, besides its attackers. */
export interface RunSettings {
  readonly seed: number;
  readonly rounds: number;
  readonly transport: TransportName;
  /** Whether a client has to prove that it knows {@linkcode TOKEN}. */
  readonly isClosed: boolean;
}

/** The server's handler of a run. */
export function serverHandler(seed: number): SyncParameterServerHandler {
  return new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(LENGTH),
    strategy: new HonestAvg(),
    seed,
    uplink: parseCodec(CODEC),
    downlink: parseCodec("int8+delta"),
    evaluator: () => Promise.resolve({ numSamples: 1, loss: 0 }),
  });
}

/** What both runs, the one under attack and the one at peace, have in common. */
export function serverOptions(
  rounds: number,
): Pick<ServerTopologyOptions, "worldSize" | "rounds" | "minClients" | "quorum"> {
  // The honest clients are a minority of those who join.
  return { worldSize: WORLD_SIZE, rounds, minClients: HONEST.length, quorum: 1 / WORLD_SIZE };
}

/**
 * Size of the honest clients' steps: too small to be out of bounds, though a majority of the
 * updates change nothing.
 */
const STEP = 0.1;

/** An honest client: its step is fixed by seed, round and rank. `pace` holds a round back. */
export function honestHandler(pace?: (round: number) => Promise<void>): FakeHandler {
  return new FakeHandler(MANIFEST, {
    step: async (vector, { seed, round, rank }: TrainPlan) => {
      await pace?.(round);
      const noise = new Random(seed, "noise", { round, rank });
      for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) + STEP * noise.normal();
    },
  });
}

/** Runs the same federation in this process without hostile peers, and returns its digest. */
export async function undisturbedDigest(seed: number, rounds: number): Promise<string> {
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const listen = crypto.randomUUID();
  const server = new ServerSyncTop(serverHandler(seed), {
    ...serverOptions(rounds),
    ...group,
    worldSize: HONEST.length + 1,
    listen,
  });
  const clients = HONEST.map((rank) =>
    new ClientSyncTop(honestHandler(), { ...group, serverAddr: listen, rank }).run()
  );
  const { modelDigest } = await server.run();
  await Promise.all(clients);
  return modelDigest;
}
