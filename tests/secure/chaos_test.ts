import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../src/base/random.ts";
import { SecureClient } from "../../src/secure/client/client.ts";
import { SecureError } from "../../src/secure/errors.ts";
import { graphParameters } from "../../src/secure/graph.ts";
import type { MaskedUpdate, UnmaskRequest, UnmaskShares } from "../../src/secure/messages.ts";
import type { SecureSessionOptions } from "../../src/secure/server/options.ts";
import { SecureSession } from "../../src/secure/server/session.ts";
import { clearSum, inputsOf } from "./round.ts";

const MEMBERS = 10;
const RANKS = Array.from({ length: MEMBERS }, (_, i) => i + 1);
/** Share of the steps of a client that end its process, or lose its answer. */
const [KILLED, LOST] = [0.015, 0.03];
const MOST_ATTEMPTS = 5;

/** Clients whose processes end at random, and answers that get lost. */
class Flock {
  readonly #random: Random;
  readonly #clients = new Map<number, SecureClient>();
  /** Attempts in which processes have revealed shares, by process and round. */
  readonly #reveals = new Map<SecureClient, Map<number, number>>();
  kills = 0;

  constructor(seed: number) {
    this.#random = new Random(seed, "test");
    for (const rank of RANKS) this.#start(rank);
  }

  #start(rank: number): void {
    this.#clients.set(rank, new SecureClient({ run: "test", rank }));
  }

  /** Runs a step of a client; `undefined` if it was killed, its answer was lost, or it refused. */
  async step<T>(rank: number, work: (client: SecureClient) => Promise<T>): Promise<T | undefined> {
    const client = this.#clients.get(rank);
    assert(client !== undefined);
    if (this.#random.uniform() < KILLED) {
      this.kills++;
      this.#start(rank);
      return undefined;
    }
    try {
      const answer = await work(client);
      return this.#random.uniform() < LOST ? undefined : answer;
    } catch (error) {
      if (error instanceof SecureError) return undefined;
      throw error;
    }
  }

  /** Reveals shares, which a process does once for a round. */
  async reveal(client: SecureClient, request: UnmaskRequest): Promise<UnmaskShares> {
    const answer = await client.reveal(request);
    const before = this.#reveals.get(client) ?? new Map<number, number>();
    assert(!before.has(request.round), `revealed twice for round ${request.round}`);
    this.#reveals.set(client, before.set(request.round, request.attempt));
    return answer;
  }
}

/** Runs an attempt at a round; returns its survivors, after the sum was compared. */
async function attemptRound(flock: Flock, id: { round: number; attempt: number }): Promise<number> {
  const options = { members: MEMBERS, ...id };
  const inputs = inputsOf(options);
  const settings: SecureSessionOptions = {
    ...{ run: "test", ...inputs, ...id, minMembers: 5 },
    graph: graphParameters,
  };
  const session = new SecureSession(settings);
  for (const rank of RANKS) {
    const keys = await flock.step(rank, (client) => client.keys());
    if (keys !== undefined) await session.addKeys(rank, keys);
  }
  for (const [rank, members] of session.closeKeys()) {
    const shares = await flock.step(rank, (client) => client.share(members, inputs));
    if (shares !== undefined) session.addShares(rank, shares);
  }
  for (const [rank, boxes] of session.closeShares()) {
    const masked = await flock.step(rank, async (client): Promise<MaskedUpdate> => {
      await client.receive(boxes);
      return await client.mask(id, inputs.update(rank));
    });
    if (masked !== undefined) session.addMasked(rank, masked);
  }
  for (const [rank, request] of session.closeMasked()) {
    const shares = await flock.step(rank, (client) => flock.reveal(client, request));
    if (shares !== undefined) session.addReveal(rank, shares);
  }
  const { sums, survivors } = await session.finish();
  assertEquals(sums, clearSum(options, survivors));
  return survivors.length;
}

Deno.test("of 10 clients under kills and losses each round is the survivors' sum or a named error", async () => {
  const flock = new Flock(3);
  const faults = new Set<string>();
  let done = 0;
  for (let round = 1; flock.kills < 100; round++) {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      try {
        assert(await attemptRound(flock, { round, attempt }) >= 4);
        done++;
        break;
      } catch (error) {
        if (!(error instanceof SecureError)) throw error;
        faults.add(error.fault);
      }
    }
  }
  assert(done > 100, `${done} rounds`);
  assert(faults.has("too-few-survivors"), [...faults].join(", "));
});
