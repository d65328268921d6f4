/**
 * Data sets, partitions, descriptions and modules in the store, by their SHA-256.
 *
 * @module
 */

import { digester } from "../base/hash.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import type { ObjectStore } from "./deps.ts";
import { insist } from "./insist.ts";
import { DATA_STORE } from "./names.ts";
import { cut, totalBytes } from "./parcel.ts";
import type { StoredData } from "./session_note.ts";
import { PART_BYTES } from "./vectors.ts";

/** Store of data by digest. */
export class DataStore {
  readonly #cluster: Cluster;
  #objects: Promise<ObjectStore> | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Stores views, one behind the other, unless they are there. */
  async put(views: readonly ArrayBufferView[], signal?: AbortSignal): Promise<StoredData> {
    const digest = await digester("sha256");
    for (const piece of cut(views, PART_BYTES)) digest.update(piece);
    const sha256 = digest.digest("hex"), bytes = totalBytes(views);
    const objects = await this.#open();
    const found = await insist(this.#cluster, () => objects.info(sha256), signal);
    if (found?.size !== bytes || found.deleted || found.digest !== storedDigest(sha256)) {
      const meta = { name: sha256, options: { max_chunk_size: PART_BYTES } };
      await insist(
        this.#cluster,
        () => objects.put(meta, ReadableStream.from(cut(views, PART_BYTES))),
        signal,
      );
    }
    return { sha256, bytes };
  }

  /**
   * Reads an object.
   *
   * @throws {ClusterError} "other-data" if it is not in the store, or other data than its name.
   */
  async get({ sha256, bytes }: StoredData, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const objects = await this.#open();
    return await insist(this.#cluster, async () => {
      const found = await objects.get(sha256);
      if (found === null) {
        throw new ClusterError("other-data", `Cannot find the data ${sha256} in the store`);
      }
      const { info, data, error } = found;
      if (info.size !== bytes) {
        await data.cancel();
        throw otherData(sha256, `expected ${bytes} bytes, got ${info.size}`);
      }
      const whole = new Uint8Array(bytes), digest = await digester("sha256");
      let at = 0;
      for await (const piece of data) {
        if (at + piece.length > bytes) break;
        whole.set(piece, at);
        digest.update(piece);
        at += piece.length;
      }
      const failure = await error;
      if (failure) throw failure;
      const real = digest.digest("hex");
      if (real !== sha256) throw otherData(sha256, `got bytes of the digest ${real}`);
      return whole;
    }, signal);
  }

  #open(): Promise<ObjectStore> {
    return this.#objects ??= insist(this.#cluster, () => this.#cluster.stores.open(DATA_STORE));
  }
}

/** Returns the error of data that are not what their name says. */
export function otherData(sha256: string, found: string): ClusterError {
  return new ClusterError("other-data", `Cannot use the data ${sha256}: ${found}`);
}

/** Returns a digest in hexadecimal as the store writes it. */
function storedDigest(sha256: string): string {
  return `SHA-256=${Uint8Array.fromHex(sha256).toBase64({ alphabet: "base64url" })}`;
}
