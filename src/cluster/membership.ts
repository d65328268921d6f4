/**
 * Part of a machine in one session.
 *
 * @module
 */

import { useKernelBuild } from "../params/kernels.ts";
import type { KernelBuild } from "../params/build.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { ClientPoolOptions, RoundInput } from "../sim/client_pool.ts";
import type { CachedData } from "./cached_data.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import type { BlockInput } from "./job_message.ts";
import { Lane } from "./lane.ts";
import { moduleOf } from "./module_sandbox.ts";
import { unpackDataset, unpackParts } from "./packed_data.ts";
import { readParcel } from "./parcel.ts";
import { probeOf } from "./probe.ts";
import { checkVersion, readNote, type SessionEntry, type SessionNote } from "./session_note.ts";
import type { Dataset } from "../data/dataset.ts";
import { Vectors } from "./vectors.ts";

/** Most that a machine does. */
export interface MachineLimits {
  /**
   * Threads that do jobs. Default: one for each core.
   */
  readonly threads: number;
  /**
   * Takes part only in runs whose kernels round alike on every machine.
   *
   * @default {false}
   */
  readonly isStrict: boolean;
  /**
   * Runs the modules of handlers that runs have, in workers that may read nothing but this package.
   * Deno then needs its flag `--unstable-worker-options`.
   *
   * @default {false}
   */
  readonly allowsModules: boolean;
}

/** Parts of a {@linkcode Membership}. */
export interface MembershipParts {
  readonly cluster: Cluster;
  readonly session: string;
  /** Id of the machine. */
  readonly machine: string;
  readonly entry: SessionEntry;
  readonly data: CachedData;
  readonly limits: MachineLimits;
  readonly onNotice: (line: string) => void;
  /** Aborted when the session or the machine ends. */
  readonly signal: AbortSignal;
}

/** Part of a machine in one session: its data, its threads, and the input of the round. */
export class Membership implements AsyncDisposable {
  readonly #lanes: readonly Lane[];
  readonly #vectors: Vectors;
  readonly #options: ClientPoolOptions;
  readonly #ending = new AbortController();
  #input:
    | { readonly name: string; readonly vectors: Promise<readonly ParameterVector[]> }
    | undefined;

  private constructor(
    parts: MembershipParts,
    options: ClientPoolOptions,
  ) {
    this.#options = options;
    this.#vectors = new Vectors(parts.cluster, parts.session);
    const signal = AbortSignal.any([parts.signal, this.#ending.signal]);
    this.#lanes = Array.from({ length: parts.limits.threads }, () =>
      new Lane({
        ...parts,
        signal,
        options,
        vectors: this.#vectors,
        input: (input) => this.#read(input),
      }));
  }

  /**
   * Joins a session: reads its note, fetches its data, and runs the probe.
   *
   * @throws {ClusterError} If this machine cannot take part.
   */
  static async join(parts: MembershipParts): Promise<Membership> {
    const { entry, data, limits, signal } = parts;
    checkVersion(entry);
    const note = readNote(readParcel(await data.get(entry.note, signal)).head);
    const options = await optionsOf(note, data, limits, signal);
    await checkProbe(note, options, limits);
    return new Membership(parts, options);
  }

  /**
   * Does jobs until the session ends.
   *
   * @throws {ClusterError} "left-out".
   */
  async run(): Promise<void> {
    const lanes = this.#lanes.map((lane) => lane.run());
    try {
      await Promise.all(lanes);
    } finally {
      this.#ending.abort();
      await Promise.allSettled(lanes);
    }
  }

  /** Reads the input of a round, once for all threads. */
  async #read({ plan, vectors: stored }: BlockInput): Promise<RoundInput> {
    if (this.#input?.name !== stored.name) {
      const vectors = this.#fetch(stored);
      this.#input = { name: stored.name, vectors };
      vectors.catch(() => {
        if (this.#input?.vectors === vectors) this.#input = undefined;
      });
    }
    const [parameters, control] = await this.#input.vectors;
    if (parameters === undefined) {
      throw new Error("Cannot do the job: no parameters were published");
    }
    return { plan, parameters, ...(control && { control }) };
  }

  async #fetch(stored: BlockInput["vectors"]): Promise<readonly ParameterVector[]> {
    const { manifest: { length, byteLength }, hasControl } = this.#options;
    const count = hasControl && stored.bytes > byteLength ? 2 : 1;
    const { buffer } = await this.#vectors.get(stored, byteLength * count);
    if (buffer.byteLength !== byteLength * count) {
      throw new ClusterError(
        "bad-message",
        `Cannot read the input of a round: expected ${count} vectors of ${length} values`,
      );
    }
    return Array.from({ length: count }, (_, i) => {
      return new Float32Array(buffer, i * byteLength, length);
    });
  }

  /** Ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane[Symbol.asyncDispose]()));
  }
}

/** Returns the options of the pools, with the data. */
async function optionsOf(
  note: SessionNote,
  data: CachedData,
  limits: MachineLimits,
  signal: AbortSignal,
): Promise<ClientPoolOptions> {
  const dataset = async (stored: SessionNote["train"]): Promise<Dataset | undefined> =>
    stored && unpackDataset(readParcel(await data.get(stored, signal))).share();
  const rows = async (stored: SessionNote["parts"]) =>
    stored && unpackParts(readParcel(await data.get(stored, signal)));
  const train = await dataset(note.train);
  const isSame = note.test !== undefined && note.test.sha256 === note.train?.sha256;
  return {
    ...note.options,
    workers: 1,
    isApart: true,
    ...await moduleOf(note, data, limits, signal),
    train,
    test: isSame ? train : await dataset(note.test),
    parts: await rows(note.parts),
    testParts: await rows(note.testParts),
    build: limits.isStrict ? "simd128" : note.options.build,
  };
}

/** Resolves once the probe that runs is over. */
let probing: Promise<void> = Promise.resolve();

/**
 * Checks that this machine rounds as the coordinator's does.
 *
 * @throws {ClusterError} "other-rounding".
 */
async function checkProbe(
  { probe, options: { build } }: SessionNote,
  options: ClientPoolOptions,
  { isStrict }: MachineLimits,
): Promise<void> {
  if (probe === undefined) return;
  // The build is that of the process while a probe runs: those of several sessions take turns.
  const before = probing, { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  probing = isOver;
  await before;
  let mine: KernelBuild | undefined, digest: string;
  try {
    mine = options.build;
    useKernelBuild(mine);
    digest = await probeOf(options);
  } catch (cause) {
    throw new ClusterError("other-rounding", `Cannot run the kernels ${build}`, { cause });
  } finally {
    useKernelBuild("auto");
    end();
  }
  if (digest === probe) return;
  const why = isStrict ? " because of --strict-determinism" : "";
  throw new ClusterError(
    "other-rounding",
    `Cannot take part: the coordinator's kernels ${build} and this machine's ${mine}${why} round differently (${
      probe.slice(0, 8)
    } and ${digest.slice(0, 8)}); a run with --strict-determinism is the same on both`,
  );
}
