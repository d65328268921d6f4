import type { ParameterVector } from "../../params/manifest.ts";
import { type OpenSum, readOpenSum, sumVectors } from "../../round/secure/open_sum.ts";
import type { ServerTopologyOptions } from "../options.ts";

/** Masked sum of the open round of a run, in its checkpoints. */
export class OpenSums {
  readonly #hasStore: boolean;
  readonly #save: () => Promise<void>;
  /** Sum with which a resumed run goes on. */
  #resumed: OpenSum | undefined;
  /** Sum that is being saved. */
  #open: OpenSum | undefined;

  /**
   * Reads the open sum of a checkpoint.
   *
   * @param save Saves a checkpoint; a failure is reported.
   * @throws {TypeError} If the sum is not valid.
   */
  constructor(
    { checkpoints, resume }: Pick<ServerTopologyOptions, "checkpoints" | "resume">,
    save: () => Promise<void>,
  ) {
    this.#hasStore = checkpoints !== undefined;
    this.#save = save;
    this.#resumed = readOpenSum(resume?.state.openSum, resume?.vectors);
  }

  /** Field of a checkpoint's state. */
  get state(): { readonly openSum?: OpenSum["saved"] } {
    return this.#open ? { openSum: this.#open.saved } : {};
  }

  /** Vectors of a checkpoint, by name. */
  get vectors(): Readonly<Record<string, ParameterVector>> {
    return this.#open ? sumVectors(this.#open) : {};
  }

  /**
   * Saves the masked sum of a round, before any shares are asked for. A run without a store of
   * checkpoints saves nothing; a failure is reported, and the run goes on.
   */
  async save(sum: () => Promise<OpenSum>): Promise<void> {
    if (!this.#hasStore) return;
    this.#open = await sum();
    try {
      await this.#save();
    } finally {
      // Its memory is that of the next sum.
      this.#open = undefined;
    }
  }

  /** Takes the masked sum with which a resumed run goes on in a round, if it has one. */
  take(round: number): OpenSum | undefined {
    const resumed = this.#resumed;
    this.#resumed = undefined;
    return resumed?.saved.session.round === round ? resumed : undefined;
  }
}
