import { runtime } from "../base/runtime/runtime.ts";
import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { SecureClient } from "../secure/client/client.ts";
import type { RingVector } from "../secure/quantize.ts";
import type { Ring } from "../secure/ring.ts";
import { SecureSession } from "../secure/server/session.ts";
import type { SecureRoundOptions, SimulatedSum } from "./secure_round.ts";

/** Members of a session that make masks as real clients do, in one process with their server. */
export class MaskedGroup {
  readonly #id: { readonly round: number; readonly attempt: number };
  readonly #ring: Ring;
  readonly #session: SecureSession;
  readonly #clients: ReadonlyMap<Rank, SecureClient>;
  /** Masks of the updates so far. */
  #masking: Promise<void> = Promise.resolve();

  private constructor(
    id: { readonly round: number; readonly attempt: number },
    ring: Ring,
    session: SecureSession,
    clients: ReadonlyMap<Rank, SecureClient>,
  ) {
    this.#id = id;
    this.#ring = ring;
    this.#session = session;
    this.#clients = clients;
  }

  /** Has the members of a cohort exchange keys and shares. */
  static async create(
    { terms, round, attempt, cohort }: SecureRoundOptions,
    vector: ParameterVector,
  ): Promise<MaskedGroup> {
    const id = { round, attempt }, run = runtime.random.randomUUID();
    const { ring, minMembers } = terms;
    const graph = (members: number) => terms.graph(members);
    // All members are in this process: nothing that one is told could differ from another.
    const told = new Uint8Array();
    const session = new SecureSession({ run, ...id, vector, ring, told, graph, minMembers });
    const policy = { minMembers: 3 };
    const clients = new Map(
      cohort.map((rank) => [rank, new SecureClient({ run, rank, policy })] as const),
    );
    const group = new MaskedGroup(id, ring, session, clients);
    for (const [rank, client] of clients) await session.addKeys(rank, await client.keys());
    for (const [rank, members] of session.closeKeys()) {
      session.addShares(rank, await group.#client(rank).share(members, { vector, ring, told }));
    }
    for (const [rank, boxes] of session.closeShares()) await group.#client(rank).receive(boxes);
    return group;
  }

  /** Masks a quantized update, in place, and adds it to the sum. */
  mask(rank: Rank, quantized: RingVector): void {
    this.#masking = this.#masking.then(async () => {
      const masked = await this.#client(rank).mask(this.#id, quantized);
      this.#session.addMasked(rank, masked);
    });
    // The failure is thrown at the end.
    this.#masking.catch(() => {});
  }

  /** Takes the masks away from the sum. */
  async finish(): Promise<SimulatedSum> {
    await this.#masking;
    const session = this.#session;
    for (const [rank, request] of session.closeMasked()) {
      session.addReveal(rank, await this.#client(rank).reveal(request));
    }
    const { sums, survivors: ranks, stages } = await session.finish();
    return { ring: this.#ring, sums, ranks, stages };
  }

  #client(rank: Rank): SecureClient {
    const client = this.#clients.get(rank);
    if (client !== undefined) return client;
    throw new RangeError(`Cannot find rank ${rank} among the members`);
  }
}
