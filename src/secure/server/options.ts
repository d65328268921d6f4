import type { GraphParameters } from "../graph.ts";
import type { AttemptId } from "../messages.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { Bytes } from "../primitives.ts";
import type { RingVector } from "../quantize.ts";
import type { Ring } from "../ring.ts";

/** Options of a `SecureSession`. */
export interface SecureSessionOptions extends AttemptId {
  /** Name of the run. */
  readonly run: string;
  /** Global vector that the members receive. */
  readonly vector: ParameterVector;
  /** Ring of the run. */
  readonly ring: Ring;
  /** Encoding of what the members are told of the training. */
  readonly told: Bytes;
  /** Gives degree and threshold for a number of members. */
  readonly graph: (members: number) => GraphParameters;
  /** Smallest number of members, from 3. As many as the threshold must survive around each. */
  readonly minMembers: number;
  /** Order of the members in the ring. Default: `ringOrder()`. */
  readonly order?: (ranks: readonly number[]) => readonly number[];
  /** Memory for the sum, zeros, of the vector's length and the lanes. Default: its own. */
  readonly into?: RingVector;
}

/** Graph of a session, and the number of members at the end of each stage. */
export interface SecureStages extends GraphParameters {
  /** Members: clients that sent keys. */
  readonly members: number;
  /** Those that shared their secrets. */
  readonly shared: number;
  /** Those whose masked updates are in the sum. */
  readonly masked: number;
  /** Those that revealed shares. */
  readonly revealed: number;
}

/** Result of a session. */
export interface SecureSum {
  /** Sum of the quantized updates of the survivors, with their lanes. */
  readonly sums: RingVector;
  /** Ranks of the survivors, in ascending order. */
  readonly survivors: readonly number[];
  /** Ranks whose shares were wrong, and were passed over. */
  readonly wrong: readonly number[];
  /** Graph, and members by stage. */
  readonly stages: SecureStages;
}
