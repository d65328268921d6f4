import type { JoinReply } from "../sessions/registration.ts";
import type { ServerTopology } from "./server_topology.ts";

/** Makes the reply to every client that joins a run of that name. */
export async function joinReplyOf(
  { handler, options, timeouts, mode }: ServerTopology,
  run: string,
): Promise<JoinReply> {
  return {
    rounds: options.rounds,
    run,
    heartbeatSeconds: timeouts.heartbeatSeconds,
    // Gathering the group may take as long; a round's time-out is given twice to clients that have
    // begun to answer.
    patienceSeconds: Math.max(timeouts.joinSeconds, 2 * timeouts.roundSeconds),
    seed: handler.seed,
    strategy: handler.strategyName,
    // A client that knows no modes is synchronous.
    ...(mode !== "sync" && { mode }),
    plan: handler.plan,
    manifest: handler.manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
      name,
      shape,
      dtype,
      trainable,
    })),
    manifestDigest: await handler.manifest.digest(),
    ...(handler.model && { model: { ...handler.model } }),
  };
}
