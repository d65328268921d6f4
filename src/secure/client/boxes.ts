import { concat } from "../../base/bytes.ts";
import { readU32, u32 } from "../encoding.ts";
import { SecureError } from "../errors.ts";
import type { Member, SealedShare } from "../messages.ts";
import {
  boxKey,
  type Bytes,
  KEY_BYTES,
  open,
  privateBytes,
  seal,
  SEAL_BYTES,
} from "../primitives.ts";
import { sealInfo } from "../salt.ts";
import { splitSecret } from "../shamir.ts";
import { agreeWith } from "./agreement.ts";

/** Length of a share: that of the secret, and its point. */
export const SHARE_BYTES = KEY_BYTES + 1;
const TEXT_BYTES = 8 + 2 * SHARE_BYTES;
/** Length of a box. */
export const BOX_BYTES = TEXT_BYTES + SEAL_BYTES;

/** Shares of the two secrets of a member. */
export interface SharePair {
  /** Share of the private key of its masks. */
  readonly maskKey: Bytes;
  /** Share of the seed of its own mask. */
  readonly seed: Bytes;
}

/** Member with which this client shares, and the secret that their boxes' keys come from. */
interface Correspondent extends Member {
  readonly secret: CryptoKey;
}

/** Shares of a client's secrets: sealed for its neighbours, and the ones that stay. */
export interface MadeShares {
  readonly sealed: readonly SealedShare[];
  readonly own: SharePair;
}

/** Sealed correspondence of a member with its neighbours. */
export class Boxes {
  readonly #rank: number;
  readonly #salt: Bytes;
  readonly #members: readonly (Member | Correspondent)[];

  private constructor(rank: number, salt: Bytes, members: readonly (Member | Correspondent)[]) {
    this.#rank = rank;
    this.#salt = salt;
    this.#members = members;
  }

  /**
   * Agrees with each neighbour on keys.
   *
   * @param privateKey Private key of the client's boxes.
   * @param salt Salt of the attempt, which is computed meanwhile.
   * @throws {SecureError} "low-order-key".
   */
  static async create(
    rank: number,
    privateKey: CryptoKey,
    members: readonly Member[],
    salt: Promise<Bytes>,
  ): Promise<Boxes> {
    const correspondents = members.map(async (member) => {
      if (member.rank === rank) return member;
      return { ...member, secret: await agreeWith(member.rank, privateKey, member.sealKey) };
    });
    const [salted, all] = await Promise.all([salt, Promise.all(correspondents)]);
    return new Boxes(rank, salted, all);
  }

  /** Cuts the client's secrets into shares, and seals those of the neighbours. */
  async make(maskKey: CryptoKey, seed: Bytes, threshold: number): Promise<MadeShares> {
    const secret = await privateBytes(maskKey);
    const options = { shares: this.#members.length, threshold };
    const [keyShares, seedShares] = [splitSecret(secret, options), splitSecret(seed, options)];
    secret.fill(0);
    const pairAt = (at: number): SharePair => {
      const [maskKey, seed] = [keyShares[at], seedShares[at]];
      if (maskKey && seed) return { maskKey, seed };
      throw new RangeError("Cannot share the secrets: a share is missing");
    };
    const sealed = await Promise.all(this.#members.map(async (member, at) => {
      if (!("secret" in member)) return [];
      const { maskKey, seed } = pairAt(at);
      const content = concat([u32(this.#rank), u32(member.rank), maskKey, seed]);
      const key = await boxKey(member.secret, this.#salt, sealInfo(this.#rank, member.rank));
      return [{ rank: member.rank, box: await seal(key, content, this.#salt) }];
    }));
    const own = pairAt(this.#members.findIndex(({ rank }) => rank === this.#rank));
    return { sealed: sealed.flat(), own };
  }

  /**
   * Opens the boxes of neighbours.
   *
   * @returns Shares by the rank of their sender.
   * @throws {SecureError} If a box comes from no neighbour, or twice from one, does not open, or is
   * for another client.
   */
  async open(shares: readonly SealedShare[]): Promise<Map<number, SharePair>> {
    const opened = new Map<number, SharePair>();
    const texts = await Promise.all(shares.map(({ rank, box }) => this.#open(rank, box)));
    const unread = shares.filter((_, i) => texts[i] === undefined);
    if (unread.length > 0) throw closed(unread.map(({ rank }) => rank));
    shares.forEach(({ rank }, i) => {
      const content = texts[i] ?? new Uint8Array();
      if (opened.has(rank)) throw misdirected(rank);
      if (readU32(content, 0) !== rank || readU32(content, 4) !== this.#rank) {
        throw misdirected(rank);
      }
      const seed = 8 + SHARE_BYTES;
      opened.set(rank, { maskKey: content.slice(8, seed), seed: content.slice(seed) });
    });
    return opened;
  }

  async #open(from: number, box: Bytes): Promise<Bytes | undefined> {
    const member = this.#members.find(({ rank }) => rank === from);
    if (member === undefined || !("secret" in member)) throw misdirected(from);
    if (box.length !== BOX_BYTES) return undefined;
    const key = await boxKey(member.secret, this.#salt, sealInfo(from, this.#rank));
    return await open(key, box, this.#salt);
  }
}

function closed(ranks: readonly number[]): SecureError {
  const [whose, what] = ranks.length === 1
    ? [`share of rank ${ranks[0]}`, "its box does not open; it has"]
    : [`shares of ranks ${ranks.join(", ")}`, "their boxes do not open; they have"];
  return new SecureError(
    "box-does-not-open",
    `Cannot read the ${whose}: ${what} other keys, another model or another ring`,
    { ranks },
  );
}

function misdirected(rank: number): SecureError {
  return new SecureError(
    "box-misdirected",
    `Cannot read the share of rank ${rank}: expected one box from each neighbour to this client`,
    { ranks: [rank] },
  );
}
