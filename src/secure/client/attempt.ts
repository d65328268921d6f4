import { equalValues } from "../../base/equal_values.ts";
import { SecureError } from "../errors.ts";
import type { MaskKeys } from "../masks.ts";
import type {
  MaskedUpdate,
  SecureMembers,
  SecureShares,
  SurvivorList,
  SurvivorVote,
  UnmaskRequest,
  UnmaskShares,
} from "../messages.ts";
import { type Bytes, KEY_BYTES, randomBytes, sha256, sign } from "../primitives.ts";
import type { RingVector } from "../quantize.ts";
import { checkMembers } from "../ring.ts";
import { type SaltedSession, sessionSalt, signedSurvivors } from "../salt.ts";
import { Boxes, type SharePair } from "./boxes.ts";
import type { SecureClientOptions } from "./client.ts";
import type { AttemptPairs } from "./key_pairs.ts";
import { agreeOnMasks, type MaskPartner, pairMaskKeys, selfMaskKey } from "./mask_keys.ts";
import { checkSession, LEAST_MEMBERS } from "./policy.ts";
import { checkList, checkVotes, type Holder, sharesFor } from "./reveal.ts";

/** State of an attempt whose members were checked. */
interface Shared {
  readonly salt: Bytes;
  readonly seed: Bytes;
  readonly boxes: Boxes;
  readonly own: SharePair;
  /** Neighbours, with the secrets of the masks: agreed on while others share and train. */
  readonly partners: Promise<readonly MaskPartner[]>;
  readonly message: SecureShares;
}

/** One attempt at a round, at a client. Its keys serve for nothing else. */
export class ClientAttempt {
  readonly round: number;
  readonly attempt: number;
  readonly #options: SecureClientOptions;
  readonly #pairs: AttemptPairs;
  readonly #session: SecureMembers;
  #sharing: Promise<Shared> | undefined;
  #received:
    | { readonly message: SecureShares; readonly shares: Promise<Map<number, SharePair>> }
    | undefined;
  #masking: Promise<MaskedUpdate> | undefined;
  #voted:
    | { readonly survivors: readonly number[]; readonly vote: Promise<SurvivorVote> }
    | undefined;
  #revealing:
    | { readonly dropped: readonly number[]; readonly answer: Promise<UnmaskShares> }
    | undefined;

  constructor(options: SecureClientOptions, pairs: AttemptPairs, session: SecureMembers) {
    this.round = session.round;
    this.attempt = session.attempt;
    this.#options = options;
    this.#pairs = pairs;
    this.#session = session;
  }

  /** Checks the members, and shares the secrets. */
  async share(known: Pick<SaltedSession, "vector" | "ring" | "told">): Promise<SecureShares> {
    this.#sharing ??= this.#share(known);
    return (await this.#sharing).message;
  }

  /** Returns the shares again, to a server that names the same members. */
  async sharesFor(session: SecureMembers): Promise<SecureShares> {
    if (this.#sharing === undefined || !equalValues(session, this.#session)) {
      throw new SecureError(
        "second-members",
        `Cannot join the session: other members were named for attempt ${this.attempt} of round ${this.round} before`,
      );
    }
    return (await this.#sharing).message;
  }

  async #share(known: Pick<SaltedSession, "vector" | "ring" | "told">): Promise<Shared> {
    const { run, rank, policy = {} } = this.#options;
    const { threshold, members, round, attempt } = this.#session;
    const { mask, seal, message: keys } = this.#pairs;
    await checkSession(this.#session, { run, rank, policy, keys });
    try {
      checkMembers(known.ring, members.length);
    } catch (cause) {
      throw new SecureError("ring-differs", (cause as Error).message, { cause });
    }
    const salting = sessionSalt({ run, round, attempt, ...known });
    const boxes = await Boxes.create(rank, seal.privateKey, members, salting);
    const salt = await salting;
    const seed = randomBytes(KEY_BYTES);
    const { sealed, own } = await boxes.make(mask.privateKey, seed, threshold);
    const others = members.filter((member) => member.rank !== rank);
    const partners = agreeOnMasks(mask.privateKey, others);
    // It is awaited where masks are made, which may never be.
    partners.catch(() => {});
    return { salt, seed, boxes, own, partners, message: { round, attempt, shares: sealed } };
  }

  /** Opens the boxes of the neighbours. */
  async receive(message: SecureShares): Promise<void> {
    if (this.#sharing === undefined) throw this.#early("shares");
    const received = this.#received ??= { message, shares: this.#open(this.#sharing, message) };
    if (!equalValues(received.message, message)) throw this.#second("shares");
    await received.shares;
  }

  async #open(sharing: Promise<Shared>, message: SecureShares): Promise<Map<number, SharePair>> {
    const { boxes, own } = await sharing;
    const opened = await boxes.open(message.shares);
    const count = opened.size + 1;
    const { threshold } = this.#session;
    if (count < Math.max(threshold, LEAST_MEMBERS)) {
      throw new SecureError(
        "too-few-shares",
        `Cannot mask the update: expected shares of ${threshold} members, this one included, got ${count}`,
      );
    }
    return opened.set(this.#options.rank, own);
  }

  /** Masks a quantized update in place, and returns it again to a server that lost it. */
  async mask(
    quantized: RingVector,
    apply: (vector: RingVector, keys: MaskKeys) => Promise<void>,
  ): Promise<MaskedUpdate> {
    const [sharing, received] = [this.#sharing, this.#received];
    if (sharing === undefined || received === undefined) throw this.#early("masks");
    return await (this.#masking ??= this.#mask(quantized, { sharing, ...received }, apply));
  }

  async #mask(
    quantized: RingVector,
    { sharing, shares }: {
      readonly sharing: Promise<Shared>;
      readonly shares: Promise<ReadonlyMap<number, SharePair>>;
    },
    apply: (vector: RingVector, keys: MaskKeys) => Promise<void>,
  ): Promise<MaskedUpdate> {
    const { round, attempt } = this;
    const { rank } = this.#options;
    const { salt, seed, partners } = await sharing;
    const sharers = await shares;
    const others = (await partners).filter((it) => sharers.has(it.rank));
    const [keys, self, seedDigest] = await Promise.all([
      pairMaskKeys({ rank, maskKey: this.#pairs.mask.publicKey }, others, salt),
      selfMaskKey(rank, seed, salt),
      sha256(seed),
    ]);
    await apply(quantized, { add: [...keys.add, self], subtract: keys.subtract });
    for (const key of [...keys.add, ...keys.subtract, self]) key.fill(0);
    seed.fill(0);
    return { round, attempt, masked: quantized, seedDigest };
  }

  /** Signs a list of survivors. */
  async vote({ survivors }: SurvivorList): Promise<SurvivorVote> {
    const { round, attempt } = this;
    const { signer, run } = this.#options;
    if (this.#masking === undefined || signer === undefined) throw this.#early("votes");
    await this.#masking;
    const holder = await this.#holder();
    // Nothing is awaited from here on: of two lists at once only one is signed.
    if (this.#voted !== undefined) {
      if (!equalValues(this.#voted.survivors, survivors)) throw this.#second("vote");
      return await this.#voted.vote;
    }
    checkList(holder, survivors);
    const vote = signedSurvivors(run, this, survivors)
      .then((text) => sign(signer.privateKey, text))
      .then((signature) => ({ round, attempt, signature }));
    this.#voted = { survivors: [...survivors], vote };
    return await vote;
  }

  /** Reveals shares, once. */
  async reveal(request: UnmaskRequest): Promise<UnmaskShares> {
    if (this.#masking === undefined) throw this.#early("shares");
    await this.#masking;
    if (this.#revealing !== undefined) {
      if (!equalValues(this.#revealing.dropped, request.dropped)) {
        throw new SecureError(
          "second-unmask",
          `Cannot reveal shares: this client has revealed others in attempt ${this.attempt} of round ${this.round}`,
        );
      }
      return await this.#revealing.answer;
    }
    // Until it is known that the request is refused, no other one may get an answer.
    const answer = this.#reveal(request);
    this.#revealing = { dropped: request.dropped, answer };
    return await answer.catch((error) => {
      this.#revealing = undefined;
      throw error;
    });
  }

  async #reveal(request: UnmaskRequest): Promise<UnmaskShares> {
    const { round, attempt } = this;
    const { run, policy = {} } = this.#options;
    const holder = await this.#holder();
    if (policy.isListed !== undefined) {
      const survivors = this.#voted?.survivors;
      if (survivors === undefined) throw this.#early("shares");
      await checkVotes(holder, request, { run, survivors });
    }
    return { round, attempt, shares: sharesFor(holder, request) };
  }

  async #holder(): Promise<Holder> {
    const shares = await this.#received?.shares ?? new Map<number, SharePair>();
    return { rank: this.#options.rank, session: this.#session, shares };
  }

  #early(wanted: string): SecureError {
    return new SecureError(
      "wrong-stage",
      `Cannot give ${wanted} in attempt ${this.attempt} of round ${this.round}: an earlier stage is missing`,
    );
  }

  #second(kind: string): SecureError {
    return new SecureError(
      "wrong-stage",
      `Cannot take other ${kind} than before in attempt ${this.attempt} of round ${this.round}`,
    );
  }
}
