import { SecureError } from "../../src/secure/errors.ts";
import { Random } from "../../src/base/random.ts";
import { SecureClient, type SecureClientOptions } from "../../src/secure/client/client.ts";
import { ClearSum } from "../../src/secure/clear_sum.ts";
import { type GraphParameters, graphParameters } from "../../src/secure/graph.ts";
import { LANES, quantizeUpdate, type RingVector } from "../../src/secure/quantize.ts";
import { type Ring, ringOf } from "../../src/secure/ring.ts";
import type { SecureSum } from "../../src/secure/server/options.ts";
import { SecureSession } from "../../src/secure/server/session.ts";
import type { AttemptId, UnmaskShares } from "../../src/secure/messages.ts";

/** Stages after which a client may be lost. */
export type Stage = "keys" | "shares" | "masked" | "reveal";

/** Options of a round in memory. */
export interface RoundOptions extends Partial<AttemptId> {
  readonly members: number;
  readonly length?: number;
  readonly seed?: number;
  readonly minMembers?: number;
  readonly graph?: (members: number) => GraphParameters;
  readonly order?: (ranks: readonly number[]) => readonly number[];
  /** First stage whose message a rank does not send. */
  readonly lost?: ReadonlyMap<number, Stage>;
  /** Clients to take part, else new ones. */
  readonly clients?: ReadonlyMap<number, SecureClient>;
  /** Options of new clients. */
  readonly client?: (rank: number) => Partial<SecureClientOptions>;
  /** Changes what a client reveals. */
  readonly tamper?: (rank: number, shares: UnmaskShares) => UnmaskShares;
  /** Ed25519 keys of the clients; with them, they vote. */
  readonly publicKeys?: ReadonlyMap<number, Uint8Array<ArrayBuffer>>;
}

/** Global vector, ring, settings and updates of a round, all from its seed. */
export function inputsOf({ members, length = 37, seed = 1, round = 1 }: RoundOptions): {
  vector: Float32Array<ArrayBuffer>;
  ring: Ring;
  told: Uint8Array<ArrayBuffer>;
  update: (rank: number) => RingVector;
} {
  const normal = (rank: number) => {
    const random = new Random(seed, "test", { round, rank });
    return Float32Array.from({ length }, () => random.normal());
  };
  const ring = ringOf({ clip: 4, maxSamples: 100, maxMembers: Math.max(3, members) });
  return {
    vector: normal(0),
    ring,
    told: Uint8Array.of(1, 2),
    update: (rank) =>
      quantizeUpdate(
        ring,
        normal(rank),
        { samples: 10 * rank % 101, loss: rank / 3, steps: rank },
        {
          ...{ seed, round, rank },
        },
      ),
  };
}

/** Sum in the clear of the quantized updates of some ranks. */
export function clearSum(options: RoundOptions, ranks: Iterable<number>): RingVector {
  const { vector, update } = inputsOf(options);
  const sum = new ClearSum(vector.length + LANES);
  for (const rank of ranks) sum.add(update(rank));
  return sum.finish();
}

/** Runs a round in memory. */
export async function secureRound(options: RoundOptions): Promise<SecureSum> {
  const { members, round = 1, attempt = 1, minMembers = 3, lost, tamper, publicKeys } = options;
  const { vector, ring, told, update } = inputsOf(options);
  const ranks = Array.from({ length: members }, (_, i) => i + 1);
  const stages: readonly Stage[] = ["keys", "shares", "masked", "reveal"];
  const sends = (rank: number, stage: Stage) => {
    const from = lost?.get(rank);
    return from === undefined || stages.indexOf(stage) < stages.indexOf(from);
  };
  const clients = options.clients ?? new Map(ranks.map((rank) => {
    const own = options.client?.(rank) ?? {};
    return [rank, new SecureClient({ run: "test", rank, policy: { minMembers: 3 }, ...own })];
  }));
  const clientOf = (rank: number) => {
    const client = clients.get(rank);
    if (client === undefined) throw new Error(`no client ${rank}`);
    return client;
  };
  const session = new SecureSession({
    ...{ run: "test", round, attempt, vector, ring, minMembers, told },
    graph: options.graph ?? ((members) => graphParameters(members)),
    ...(options.order && { order: options.order }),
  });
  for (const rank of ranks.filter((rank) => sends(rank, "keys"))) {
    await session.addKeys(rank, await clientOf(rank).keys(), publicKeys?.get(rank));
  }
  for (const [rank, message] of session.closeKeys()) {
    const shares = await clientOf(rank).share(message, { vector, ring, told });
    if (sends(rank, "shares")) session.addShares(rank, shares);
  }
  for (const [rank, message] of session.closeShares()) {
    await clientOf(rank).receive(message);
    const masked = await clientOf(rank).mask({ round, attempt }, update(rank));
    if (sends(rank, "masked")) session.addMasked(rank, masked);
  }
  if (publicKeys !== undefined) {
    for (const [rank, list] of session.closeMaskedForVotes()) {
      session.addVote(rank, await clientOf(rank).vote(list));
    }
  }
  const requests = publicKeys === undefined ? session.closeMasked() : session.closeVotes();
  for (const [rank, request] of requests) {
    if (!sends(rank, "reveal")) continue;
    const shares = await clientOf(rank).reveal(request);
    session.addReveal(rank, tamper?.(rank, shares) ?? shares);
  }
  return await session.finish();
}

/** Returns the fault of a refusal, or `"none"` of work that is not refused. */
export async function faultOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SecureError) return error.fault;
    throw error;
  }
  return "none";
}
