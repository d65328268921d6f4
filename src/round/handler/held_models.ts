import { digesters } from "../../base/hash.ts";
import type { Rank } from "../../base/rank.ts";
import type { Codec } from "../../codec/codec.ts";
import { codedParts, encodeDifference, vectorBytes } from "../../codec/difference.ts";
import type { CodedVector } from "../../codec/vector_coder.ts";
import type { CodedParameters, ServerCodecs } from "./server_codecs.ts";

/** Most versions that are kept, and most bytes of them; the newest two are kept in any case. */
const MOST_VERSIONS = 32, MOST_BYTES = 64 * 2 ** 20;
/** Function that makes digests. */
type Digesters = Awaited<ReturnType<typeof digesters>>;

const NO_SCALES = new Float32Array();

/** Encoded parameters that clients may have. */
interface Version {
  /** The parameters; `undefined` when they are kept no longer. */
  coded: CodedParameters | undefined;
  /** Their digest, once it is known. */
  digest?: string | undefined;
  /** Differences to this version from others, as far as they are smaller. */
  readonly differences: Map<Version, Uint8Array<ArrayBuffer> | undefined>;
  /** Messages with those differences, by version and by the number that its receivers know. */
  readonly messages: Map<Version, Map<number, CodedParameters>>;
}

/** Parameters that a client has, as it says. */
export interface ClaimedBase {
  /** Number that it knows them by. */
  readonly base?: number | undefined;
  /** Digest of their encoded form. */
  readonly holds?: string | undefined;
}

/**
 * Encoded parameters that each client has. A client is sent the difference to those where that is
 * smaller, and where the server still has them too: at most 32 versions and 64 MiB.
 */
export class HeldModels {
  readonly #codec: Codec;
  readonly #hash: Digesters | undefined;
  #versions: Version[] = [];
  readonly #held = new Map<Rank, { readonly version: Version; readonly number: number }>();

  private constructor(codec: Codec, hash: Digesters | undefined) {
    this.#codec = codec;
    this.#hash = hash;
  }

  /**
   * Starts with clients that have nothing; `undefined` if no differences are sent.
   *
   * @param hash Makes the digests by which clients that come back name what they have. Without it
   * they have nothing.
   */
  static of(codecs: ServerCodecs | undefined, hash?: Digesters): HeldModels | undefined {
    const { isDelta, downlink } = codecs ?? {};
    return isDelta && downlink ? new HeldModels(downlink.codec, hash) : undefined;
  }

  /** Starts with clients that may come back. */
  static async ofServer(codecs: ServerCodecs | undefined): Promise<HeldModels | undefined> {
    if (!codecs?.isDelta) return undefined;
    // A browser has no such digests.
    return HeldModels.of(codecs, await digesters("sha256").catch(() => undefined));
  }

  /**
   * Returns the fields of the message by which a client gets encoded parameters, which it has from
   * then on.
   *
   * @param number Number that the client will know them by.
   */
  messageFor(rank: Rank, coded: CodedParameters, number: number): CodedParameters {
    const version = this.#versionOf(coded), held = this.#held.get(rank);
    this.#held.set(rank, { version, number });
    return held === undefined || held.number === 0 ? coded : this.#difference(held, version, coded);
  }

  /** Notes that a client was sent parameters that are not encoded. */
  forget(rank: Rank): void {
    this.#held.delete(rank);
  }

  /** Notes what a client has that joins, for the first time or again. */
  joined(rank: Rank, { base, holds }: ClaimedBase): void {
    const version = holds && this.#versions.find((version) => this.#digestOf(version) === holds);
    if (version && base !== undefined) this.#held.set(rank, { version, number: base });
    else this.#held.delete(rank);
  }

  #difference(
    { version: from, number }: { readonly version: Version; readonly number: number },
    to: Version,
    coded: CodedParameters,
  ): CodedParameters {
    if (from.coded === undefined) return coded;
    if (!to.differences.has(from)) {
      to.differences.set(from, encodeDifference(this.#codec, from.coded, coded));
    }
    const codes = to.differences.get(from);
    if (codes === undefined) return coded;
    const messages = to.messages.get(from) ?? new Map<number, CodedParameters>();
    to.messages.set(from, messages);
    // The same object for all receivers, so that its frame is encoded once.
    const message = messages.get(number) ??
      { codec: coded.codec, base: number, scales: NO_SCALES, codes };
    messages.set(number, message);
    return message;
  }

  /** Finds the version of parameters, or makes them the newest one. */
  #versionOf(coded: CodedParameters): Version {
    const known = this.#versions.find((version) => version.coded === coded);
    if (known !== undefined) return known;
    const last = this.#versions.at(-1);
    if (last?.coded !== undefined && isSame(last.coded, coded)) return last;
    last?.differences.clear();
    last?.messages.clear();
    const version: Version = { coded, differences: new Map(), messages: new Map() };
    this.#versions.push(version);
    this.#evict();
    return version;
  }

  #evict(): void {
    let bytes = 0;
    const most = this.#versions.toReversed().findIndex(({ coded }, i) => {
      bytes += coded === undefined ? 0 : vectorBytes(coded);
      return i >= 2 && (i >= MOST_VERSIONS || bytes > MOST_BYTES);
    });
    if (most < 0) return;
    // Clients refer to versions that are kept no longer.
    for (const version of this.#versions.splice(0, this.#versions.length - most)) {
      version.coded = undefined;
      version.differences.clear();
      version.messages.clear();
    }
  }

  /** Computes the digest of a version, if it is not known yet. */
  #digestOf(version: Version): string | undefined {
    const { coded } = version;
    if (version.digest !== undefined || coded === undefined) return version.digest;
    const hash = this.#hash?.();
    for (const part of codedParts(coded)) hash?.update(part);
    return version.digest = hash?.digest("hex");
  }
}

function isSame(one: CodedVector, other: CodedVector): boolean {
  const others = codedParts(other);
  return codedParts(one).every((part, i) => areEqual(part, others[i]));
}

function areEqual(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return one.length === other?.length && one.every((byte, i) => byte === other[i]);
}
