import type { AllowedKeys } from "../../auth/allowed_keys.ts";
import type { Credential } from "../../auth/challenge.ts";
import { ClientAsyncTop } from "../../client/async_topology.ts";
import { ClientSyncTop } from "../../client/sync_topology.ts";
import type { History } from "../history.ts";
import type { ProcessContext } from "../world.ts";
import type { FederationPlan } from "./plan.ts";
import { SERVER_ADDRESS, timeoutsOf, worldLogger } from "./server_program.ts";
import { StepHandler } from "./step_handler.ts";

/** Parts of a client's program that outlive its process. */
export interface ClientProgram {
  readonly plan: FederationPlan;
  /** Number of the client, from 1. */
  readonly client: number;
  readonly credential: Credential | undefined;
  /** Keys of all clients, where they sign. */
  readonly keys: Pick<AllowedKeys, "has" | "get"> | undefined;
  readonly history: History;
}

/** Runs a client of a federation until the server says that the run is over. */
export async function takePart(
  { plan, client, credential, keys, history }: ClientProgram,
  { process, transport, random, log }: ProcessContext,
  signal: AbortSignal,
): Promise<void> {
  const machine = process.machine.name;
  history.add({ type: "started", machine });
  const handler = new StepHandler({
    client,
    length: plan.length,
    trainSeconds: plan.trainSeconds,
    random,
    onTraining: (training) => history.add({ type: "trained", machine, ...training }),
  });
  const Topology = plan.isAsync ? ClientAsyncTop : ClientSyncTop;
  const topology = new Topology(handler, {
    serverAddr: SERVER_ADDRESS,
    distBackend: transport,
    ...(plan.asksForRank && { rank: client }),
    ...(credential && { credential }),
    ...(plan.isMasked && { secureMinMembers: 3 }),
    ...(plan.isSigned && keys && { secureKeys: keys }),
    logger: worldLogger(log),
    timeouts: timeoutsOf(plan),
    onEvent: (event) => {
      if (event.type === "joined") history.add({ type: "joined", machine, rank: event.rank });
    },
  });
  await topology.run({ signal });
}
