import { InTurnMechanism } from "../mechanism/in_turn.ts";
import type { MemberSettings } from "../../strategy/privacy.ts";
import type { Mechanism } from "../mechanism/mechanism.ts";
import type { NoiseShareSettings } from "./noise_share.ts";

/** Options of {@linkcode DistributedMechanism}. */
export interface DistributedMechanismOptions {
  /** Settings that the clients of a sum agree on. */
  readonly share: NoiseShareSettings;
  readonly delta: number;
  /** Number of updates that a round wants. */
  readonly cohort: number;
  /** Most rounds that a client takes part in. */
  readonly most: number;
  /** Settings of the clients. */
  readonly members: MemberSettings;
}

/**
 * Account of sums whose clients have added the noise themselves. Each client's noise is at least 16
 * units wide, so their sum is as good as one discrete Gaussian: the excess of
 * {@linkcode sumExcess} is below 1e-1000.
 */
export class DistributedMechanism extends InTurnMechanism {
  readonly name = "distributed";
  readonly #fewest: number;
  readonly #members: MemberSettings;

  constructor({ share, members, ...options }: DistributedMechanismOptions) {
    const { clip, noise, fewest } = share;
    super({ ...options, clip, noise, bands: 1 });
    this.#fewest = fewest;
    this.#members = members;
  }

  members(): MemberSettings {
    return this.#members;
  }

  override get basis(): Readonly<Record<string, number>> {
    return { fewest: this.#fewest };
  }

  override account(): ReturnType<Mechanism["account"]> {
    return { ...super.account(), clientsLeast: this.#fewest };
  }
}
