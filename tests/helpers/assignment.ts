import type { Manifest } from "../../mod.ts";
import type { IdAssignmentPayload } from "../../src/wire/mod.ts";

/** What a server that keeps to the protocol tells the only client of a run of nine rounds. */
export async function assignmentFor(manifest: Manifest): Promise<IdAssignmentPayload> {
  return {
    rank: 1,
    worldSize: 2,
    rounds: 9,
    run: "r",
    token: "0".repeat(32),
    heartbeatSeconds: 5,
    seed: 1,
    strategy: "fedavg",
    plan: {
      epochs: 1,
      batchSize: 1,
      learningRate: 1,
      momentum: 0,
      weightDecay: 0,
      keepMomentum: false,
    },
    manifest: manifest.tensors,
    manifestDigest: await manifest.digest(),
  };
}
