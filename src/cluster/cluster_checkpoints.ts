import { runtime } from "../base/runtime/runtime.ts";
import { Manifest } from "../params/manifest.ts";
import { v } from "../plan/deps.ts";
import { wholeNumber } from "../plan/schemas.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import type { ObjectStore } from "./deps.ts";
import { insist } from "./insist.ts";
import { CHECKPOINT_STORE } from "./names.ts";
import { cut, ownBytes, parcelHead, readParcel } from "./parcel.ts";
import { PART_BYTES } from "./vectors.ts";

/** Share of the time that saves may take, where no round has to be saved. */
const SHARE = 0.1;

const headSchema = v.looseObject({
  manifest: v.array(v.object({
    name: v.string(),
    shape: v.array(wholeNumber(0)),
    trainable: v.boolean(),
  })),
  round: wholeNumber(0),
  state: v.record(v.string(), v.unknown()),
  vectors: v.array(v.tuple([v.string(), wholeNumber(0)])),
  history: v.exactOptional(v.array(v.unknown())),
  score: v.exactOptional(v.number()),
  account: v.exactOptional(v.unknown()),
});

/** Checkpoints of a run in the cluster, of which the newest is kept. */
export class ClusterCheckpoints implements Checkpoints {
  readonly #cluster: Cluster;
  readonly #run: string;
  readonly #publish: (name: string, digest: string) => Promise<void>;
  readonly #local: Checkpoints | undefined;
  #objects: Promise<ObjectStore> | undefined;
  #saves = 0;
  #last: string | undefined;
  #ended = -Infinity;
  #millis = 0;

  /**
   * Makes a store.
   *
   * @param publish Makes a checkpoint the one that counts and removes the one before; it rejects
   * once another process conducts the run.
   * @param local Store in which all checkpoints are saved too.
   */
  constructor(
    cluster: Cluster,
    run: string,
    publish: (name: string, digest: string) => Promise<void>,
    local?: Checkpoints,
  ) {
    this.#cluster = cluster;
    this.#run = run;
    this.#publish = publish;
    this.#local = local;
  }

  /**
   * Saves a checkpoint. Of a run without an account, rounds are left out where saves would take
   * more than a tenth of the time: whoever takes over trains them again, to the same model.
   *
   * @throws {OvertakenError} If another process conducts the run.
   */
  async save(checkpoint: Checkpoint): Promise<string> {
    const local = await this.#local?.save(checkpoint), began = runtime.clock.now();
    const isDue = checkpoint.account !== undefined ||
      began - this.#ended >= this.#millis * (1 / SHARE - 1);
    if (!isDue) return local ?? this.#last ?? "";
    const objects = await this.#open(), name = `${this.#run}.${runtime.random.randomUUID()}`;
    const meta = { name, options: { max_chunk_size: PART_BYTES } };
    const { digest } = await insist(
      this.#cluster,
      () => objects.put(meta, ReadableStream.from(cut(viewsOf(checkpoint), PART_BYTES))),
    );
    try {
      await this.#publish(name, digest);
    } catch (error) {
      await this.remove(name);
      throw error;
    }
    this.#last = name;
    this.#saves++;
    this.#ended = runtime.clock.now();
    this.#millis = this.#ended - began;
    return local ?? name;
  }

  /** Number of checkpoints that were saved in the cluster. */
  get saves(): number {
    return this.#saves;
  }

  /** Gives the newest checkpoint of the local store, if any. */
  async latest(): Promise<Checkpoint | undefined> {
    return await this.#local?.latest();
  }

  /** Gives the best checkpoint of the local store, if any. */
  async best(): Promise<Checkpoint | undefined> {
    return await this.#local?.best();
  }

  /** Reserves what saves will need. */
  hold(): Disposable {
    return this.#local?.hold?.() ?? { [Symbol.dispose]() {} };
  }

  /**
   * Reads a checkpoint.
   *
   * @param digest Digest that the store gave for it. Default: any.
   * @throws {ClusterError} "other-data" if the store has another one under its name, or none.
   */
  async read(name: string, digest?: string): Promise<Checkpoint> {
    const objects = await this.#open();
    const info = await insist(this.#cluster, () => objects.info(name));
    if (info !== null && !info.deleted && digest !== undefined && info.digest !== digest) {
      throw new ClusterError(
        "other-data",
        `Cannot take over the run ${this.#run}: its checkpoint was changed in the store`,
      );
    }
    const bytes = await insist(this.#cluster, () => objects.getBlob(name));
    if (bytes === null) {
      throw new ClusterError(
        "other-data",
        `Cannot take over the run ${this.#run}: its checkpoint is not in the store`,
      );
    }
    const { head, body } = readParcel(ownBytes(bytes));
    const { manifest: tensors, vectors, round, state, ...rest } = v.parse(headSchema, head);
    const manifest = Manifest.of(tensors);
    let at = body.byteOffset;
    const next = (length: number) =>
      new Float32Array(body.buffer, (at += 4 * length) - 4 * length, length);
    const parameters = next(manifest.length);
    const further = Object.fromEntries(vectors.map(([name, length]) => [name, next(length)]));
    return { ...rest, manifest, parameters, vectors: further, round, state } as Checkpoint;
  }

  /** Removes a checkpoint. */
  async remove(name: string): Promise<void> {
    const objects = await this.#open();
    await objects.delete(name).catch(() => {});
  }

  #open(): Promise<ObjectStore> {
    return this.#objects ??= insist(
      this.#cluster,
      () => this.#cluster.stores.open(CHECKPOINT_STORE),
    );
  }
}

function viewsOf(checkpoint: Checkpoint): readonly ArrayBufferView[] {
  const { manifest, parameters, vectors = {}, round, state, history, score, account } = checkpoint;
  const head = {
    manifest: manifest.tensors.map(({ name, shape, trainable }) => ({ name, shape, trainable })),
    ...{ round, state, history, account },
    ...(score !== undefined && Number.isFinite(score) && { score }),
    vectors: Object.entries(vectors).map(([name, { length }]) => [name, length]),
  };
  return [parcelHead(head), parameters, ...Object.values(vectors)];
}
