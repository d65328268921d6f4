/**
 * Weights of a pretrained model that are not trained.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { isDeno } from "../../base/runtime/runtime.ts";
import { cacheFolder } from "../../data/catalog/data_folder.ts";
import { downloadFrom } from "../../data/catalog/download.ts";
import type { DownloadOptions } from "../../data/catalog/options.ts";
import type { BaseReference } from "../../train/models/encoder/encoder_model.ts";
import type { BaseWeights } from "../base_weights.ts";
import { type BaseFile, blobOf, bytesFile, digestInto, fileOf } from "./base_file.ts";
import { makeDigests } from "./digest.ts";
import { allowedMirrors, type BaseFacts, checkFacts } from "./reference.ts";
import { storedBase } from "./stored_base.ts";
import {
  type BasePrecision,
  type BaseTensor,
  type BaseTensors,
  readTensor,
  readTensors,
} from "./tensors.ts";

/** Options of {@linkcode FrozenBase.open}. */
export interface FrozenBaseOptions extends DownloadOptions {
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  /** Size of the file in bytes; with a URL it must be given. Default: any size. */
  readonly bytes?: number;
  /** Path of the file, where it is on this machine. */
  readonly path?: string;
  /** Content of the file, where it is in memory. */
  readonly content?: Uint8Array<ArrayBuffer>;
  /** Addresses of the file, which the application itself names, in order of preference. */
  readonly url?: string | readonly string[];
  /** Addresses from a plan. They are used if their host is among `hosts`. Default: none. */
  readonly mirrors?: readonly string[];
  /** Hosts from which the application allows to fetch a base, such as `example.org`. */
  readonly hosts?: readonly string[];
  /**
   * Folder in which a fetched file is kept, under the name of its digest. A browser keeps it in its
   * origin private file system.
   *
   * @default `fedlab/bases` in the cache folder of the user.
   */
  readonly cache?: string;
  /**
   * Precision that the file must have. Values are 32-bit floats once they are read.
   *
   * @default Any.
   */
  readonly precision?: BasePrecision;
}

/**
 * Pretrained model whose weights are not trained: a safetensors file of which each client of a run
 * holds a copy. The plan names it by its digest, and it is checked when it is opened. Each tensor
 * is read in pieces, straight to where it is needed.
 *
 * @example A file of one tensor
 * ```ts
 * import { FrozenBase } from "@fedlab/core/encoder";
 * import { Manifest, writeSafetensors } from "@fedlab/core";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const manifest = Manifest.of([{ name: "embeddings.LayerNorm.bias", shape: [2] }]);
 * await writeSafetensors(path, { manifest, parameters: Float32Array.of(1, 2) });
 * const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
 *
 * using base = await FrozenBase.open({ path, sha256: new Uint8Array(digest).toHex() });
 * const bias = new Float32Array(2);
 * await base.read("embeddings.LayerNorm.bias", bias);
 * assertEquals([...bias], [1, 2]);
 * await assertRejects(() => FrozenBase.open({ path, sha256: "0".repeat(64) }), RangeError);
 * await Deno.remove(path);
 * ```
 */
export class FrozenBase implements BaseWeights, Disposable {
  /** The file that was checked. */
  readonly reference: Required<BaseFacts> & Pick<BaseReference, "format">;
  /** Precision of the file: the lowest of a tensor. */
  readonly precision: BasePrecision;
  /** Shape of each tensor of floats, by its name in the file. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly #file: BaseFile;
  readonly #tensors: ReadonlyMap<string, BaseTensor>;
  /** Read that is going on: a file has one place at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: BaseFile, facts: BaseFacts, { tensors, precision }: BaseTensors) {
    this.#file = file;
    this.#tensors = tensors;
    this.precision = precision;
    this.reference = { ...facts, format: "safetensors" };
    this.shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  }

  /**
   * Opens a base from a path, from memory, or from an address. A fetched file is kept, and a
   * download that breaks off goes on where it has ended.
   *
   * @throws {TypeError} If the options are malformed, or name no file.
   * @throws {RangeError} If digest, size or precision differ, or no host is allowed.
   * @throws {SyntaxError} If it is no whole safetensors file with floats of 32 or 16 bits, or whole
   * numbers of 8 bits with scales.
   * @throws {Error} If it can be neither read nor fetched.
   */
  static async open(options: FrozenBaseOptions): Promise<FrozenBase> {
    const { path, content, bytes, sha256, precision } = options;
    const isFetched = path === undefined && content === undefined;
    checkFacts(options, isFetched);
    const { file, name } = content
      ? { file: bytesFile(content), name: "the base" }
      : path !== undefined
      ? { file: await fileOf(path), name: path }
      : await fetched(options);
    try {
      if (bytes !== undefined && file.size !== bytes) {
        throw new RangeError(`Cannot use ${name}: expected ${bytes} bytes, got ${file.size}`);
      }
      // What a browser keeps was checked when it was fetched or found.
      if (!isFetched || isDeno()) {
        const digest = (await makeDigests())();
        await digestInto(file, digest);
        const got = digest.finish();
        if (got !== sha256) {
          throw new RangeError(`Cannot use ${name}: expected the SHA-256 ${sha256}, got ${got}`);
        }
      }
      const tensors = await readTensors(file).catch((cause) => {
        throw new SyntaxError(
          `Cannot use ${name}: expected a safetensors file: ${errorMessage(cause)}`,
          { cause },
        );
      });
      if (precision !== undefined && tensors.precision !== precision) {
        throw new RangeError(
          `Cannot use ${name}: expected the precision ${precision}, got ${tensors.precision}`,
        );
      }
      return new FrozenBase(file, { sha256, bytes: file.size }, tensors);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Reads a tensor as 32-bit floats, row-major as in the file. Reads follow one another.
   *
   * @param name Name of the tensor in the file.
   * @param to Receives the values; it is as long as the tensor.
   * @throws {RangeError} If there is no such tensor, or it has another length.
   */
  async read(name: string, to: Float32Array): Promise<void> {
    const tensor = this.#tensors.get(name);
    if (tensor?.length !== to.length) {
      throw new RangeError(
        `Cannot read ${JSON.stringify(name)} of the base: expected ${
          tensor ? `${tensor.length} values` : "a tensor of that name"
        }, got ${tensor ? `room for ${to.length}` : "none"}`,
      );
    }
    const read = this.#last.then(() => readTensor(this.#file, tensor, to));
    this.#last = read.catch(() => {});
    await read;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Fetches a base, unless it is kept already. */
async function fetched(
  options: FrozenBaseOptions,
): Promise<{ readonly file: BaseFile; readonly name: string }> {
  const { sha256, bytes = 0, url = [], mirrors, hosts = [], cache } = options;
  const own = typeof url === "string" ? [url] : url;
  const urls = [...own, ...mirrors ? allowedMirrors({ mirrors }, hosts) : []];
  if (urls.length === 0) {
    throw new TypeError("Cannot open the base: expected a path, its content, or a URL");
  }
  const wrong = urls.find((one) => !URL.canParse(one));
  if (wrong !== undefined) {
    throw new TypeError(`Cannot open the base: expected a URL, got ${JSON.stringify(wrong)}`);
  }
  if (!isDeno()) {
    const makeDigest = await makeDigests();
    const blob = await storedBase({ sha256, bytes }, { ...options, urls, makeDigest });
    const name = `the base ${sha256}`;
    return { file: blobOf(blob, name), name };
  }
  const folder = cache ?? `${cacheFolder().path ?? "."}/fedlab/bases`;
  const file = `${sha256}.safetensors`;
  const checksum = { algorithm: "sha256", hex: sha256 } as const;
  await downloadFrom({ name: file, bytes, checksum }, folder, urls, options);
  const name = `${folder}/${file}`;
  return { file: await fileOf(name), name };
}
