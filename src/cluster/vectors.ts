/**
 * Vectors of a session on the server, in parts that are messages of a stream. One call purges all
 * that a session leaves.
 *
 * @module
 */

import { addPieces, digester } from "../base/hash.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import { nuid, type StoredMsg } from "./deps.ts";
import { insist } from "./insist.ts";
import { partSubject, VECTORS_STREAM } from "./names.ts";
import { cut, totalBytes } from "./parcel.ts";

/**
 * Most bytes of a message with a vector: half of the server's limit. Vectors move no faster in
 * larger parts, and a server with a larger limit cuts off readers that are slow.
 */
export const PART_BYTES = 512 * 1024;
/** Parts of a vector that are on their way at the same time. */
const PARTS_UNDER_WAY = 8;
/** Parts that one request reads: 8 MB, an eighth of what the server keeps for a slow reader. */
const PARTS_READ = 16;

/** Place of a vector on the server. */
export interface StoredVector {
  readonly name: string;
  /** Number of its first part in the stream. */
  readonly from: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Vectors of a session on the server. */
export class Vectors {
  readonly #cluster: Cluster;
  readonly #session: string;

  constructor(cluster: Cluster, session: string) {
    this.#cluster = cluster;
    this.#session = session;
  }

  /** Stores views, one behind the other; they may be overwritten once the promise has resolved. */
  async put(views: readonly ArrayBufferView[], signal?: AbortSignal): Promise<StoredVector> {
    const name = `${this.#cluster.user}.${nuid.next()}`, digest = await digester("sha256");
    const underWay: Promise<number>[] = [], firsts: number[] = [];
    let part = 0;
    for (const piece of cut(views, PART_BYTES)) {
      digest.update(piece);
      underWay.push(this.#putPart(name, part++, piece, signal));
      if (underWay.length >= PARTS_UNDER_WAY) firsts.push(await underWay.shift() ?? NaN);
    }
    firsts.push(...await Promise.all(underWay));
    const from = firsts.reduce((least, seq) => Math.min(least, seq), Infinity);
    return { name, from, bytes: totalBytes(views), sha256: digest.digest("hex") };
  }

  async #putPart(
    name: string,
    part: number,
    piece: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { stream } = this.#cluster, subject = partSubject(this.#session, name, part);
    const { seq } = await insist(
      this.#cluster,
      () => stream.publish(subject, piece, { msgID: subject }),
      signal,
    );
    return seq;
  }

  /**
   * Reads a vector.
   *
   * @param most Most bytes that it may have.
   * @param place Returns the place of its bytes, which are all written. Default: new memory.
   * @throws {ClusterError} "bad-message" if it is larger, gone, or another one than was stored.
   */
  async get(
    { name, from, bytes, sha256 }: StoredVector,
    most: number,
    signal?: AbortSignal,
    place: (bytes: number) => Uint8Array<ArrayBuffer> = (bytes) => new Uint8Array(bytes),
  ): Promise<Uint8Array<ArrayBuffer>> {
    const problem = "Cannot read a vector of the cluster";
    if (!(bytes <= most)) {
      throw new ClusterError(
        "bad-message",
        `${problem}: expected at most ${most} bytes, got ${bytes}`,
      );
    }
    const vector = place(bytes), missing = partsOf(bytes);
    for (let next = from; missing.size > 0;) {
      const before = missing.size, at = next;
      await insist(this.#cluster, async () => {
        for await (const { data, seq, subject } of this.#batch(name, at, before)) {
          const part = Number(subject.slice(subject.lastIndexOf(".") + 1));
          const offset = part * PART_BYTES;
          if (data.length !== Math.min(PART_BYTES, bytes - offset)) break;
          vector.set(data, offset);
          missing.delete(part);
          next = seq + 1;
        }
      }, signal);
      if (missing.size === before) {
        const [part] = missing;
        throw new ClusterError("bad-message", `${problem}: part ${part} is gone`);
      }
    }
    if (addPieces(await digester("sha256"), vector).digest("hex") !== sha256) {
      throw new ClusterError("bad-message", `${problem}: its digest differs from what was stored`);
    }
    return vector;
  }

  /** Reads some parts; none where they are gone. */
  async *#batch(name: string, seq: number, parts: number): AsyncGenerator<StoredMsg> {
    try {
      yield* await this.#cluster.manager.direct.getBatch(VECTORS_STREAM, {
        seq,
        next_by_subj: partSubject(this.#session, name, "*"),
        batch: Math.min(parts, PARTS_READ),
      });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Returns the digest under which views would be stored. */
  async digestOf(views: readonly ArrayBufferView[]): Promise<string> {
    const digest = await digester("sha256");
    for (const view of views) addPieces(digest, view);
    return digest.digest("hex");
  }

  /** Removes a vector, some time; what stays is removed with the session. */
  forget({ name }: StoredVector): void {
    const filter = partSubject(this.#session, name, "*");
    this.#cluster.manager.streams.purge(VECTORS_STREAM, { filter }).catch(() => {});
  }
}

/** Numbers of the parts of a vector. */
function partsOf(bytes: number): Set<number> {
  return new Set(Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, part) => part));
}

/** Reports whether the server has no such message. */
function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === 404;
}
