import type { Invariant } from "./invariant.ts";

/** Bytes of a checkpoint: of its header, for each client in it, and for each value of a vector. */
const CHECKPOINT = { header: 6000, client: 1500, value: 4 } as const;
/** Most vectors as long as the model in a checkpoint: parameters, a strategy's, the best, a sum. */
const VECTORS = 6;
/** Bytes of the report of a round, without its clients and for each of them. */
const ROUND = { whole: 1500, client: 900 } as const;
/** Most characters of a reason that a client or a disk gives, which the history keeps. */
const REASON_LENGTH = 200;
/** Most files in a folder of a run: checkpoints, history, account, results, temporary ones. */
const FILES = 16;

/**
 * Files of a run do not grow with its length: a checkpoint is as large as the model and its
 * clients, the history has a bounded line for each round, and old files are removed.
 */
export const sizesAreBounded: Invariant = {
  name: "files grow with the model, the clients and the rounds alone",
  breaches({ federation: { history, plan: { clients, length } } }) {
    const mostOfCheckpoint = CHECKPOINT.header + CHECKPOINT.client * clients +
      VECTORS * CHECKPOINT.value * (length + 4);
    for (const { round, sizes } of history.of("saved")) {
      if (sizes.size > FILES) return [`${sizes.size} files are there after round ${round}`];
      for (const [path, bytes] of sizes) {
        const most = path.endsWith("/history.jsonl")
          ? round * (ROUND.whole + ROUND.client * clients)
          : /round-\d+\.safetensors$/.test(path)
          ? mostOfCheckpoint
          : Infinity;
        if (bytes <= most) continue;
        return [`${path} has ${bytes} bytes after round ${round}, expected at most ${most}`];
      }
    }
    for (const { report: { round, losses } } of history.of("round")) {
      const [long] = losses.filter(({ reason }) => reason.length > REASON_LENGTH);
      if (long !== undefined) {
        return [`round ${round} keeps a reason of ${long.reason.length} characters`];
      }
    }
    return [];
  },
};
