import type { Credential } from "../../auth/challenge.ts";
import { errorMessage } from "../../base/errors.ts";
import { delay } from "../../base/time/delay.ts";
import { ClientAsyncTop } from "../../client/async_topology.ts";
import type { ClientTopologyOptions } from "../../client/options.ts";
import { ClientSyncTop } from "../../client/sync_topology.ts";
import type { ProcessContext } from "../world.ts";
import type { Mistake } from "./mistakes.ts";
import type { FederationPlan } from "./plan.ts";
import { SERVER_ADDRESS, timeoutsOf, worldLogger } from "./server_program.ts";
import { StepHandler } from "./step_handler.ts";

/** Longest time in seconds until a newcomer tries to join. */
const LATEST = 60;

/** Options that have a mistake. */
function mistaken(mistake: Mistake, { clients }: FederationPlan): Partial<ClientTopologyOptions> {
  switch (mistake) {
    case "wrong token":
      return { credential: { kind: "token", token: "not the token of this server" } };
    case "a rank above all":
      return { rank: clients + 5 };
    case "another world size":
      return { worldSize: clients + 7 };
    case "secure aggregation":
      return { requireSecure: true };
    case "privacy":
      return { privacyMaxEpsilon: 1 };
    default:
      return {};
  }
}

/** Runs a newcomer with a mistake, which ends with the refusal. */
export async function joinByMistake(
  { plan, mistake, credential }: {
    readonly plan: FederationPlan;
    readonly mistake: Mistake;
    /** Proof that the server accepts; absent if it asks for none. */
    readonly credential: Credential | undefined;
  },
  { transport, random, log }: ProcessContext,
  signal: AbortSignal,
): Promise<void> {
  await delay(1000 * LATEST * random.uniform(), signal);
  const handler = new StepHandler({
    client: 0,
    length: plan.length + (mistake === "another model" ? 1 : 0),
    trainSeconds: plan.trainSeconds,
    random,
    onTraining: () => {
      throw new Error(`A newcomer with a mistake has trained: ${mistake}`);
    },
  });
  const isAsync = plan.isAsync !== (mistake === "another mode");
  const topology = new (isAsync ? ClientAsyncTop : ClientSyncTop)(handler, {
    serverAddr: SERVER_ADDRESS,
    distBackend: transport,
    ...(credential && mistake !== "no proof" && { credential }),
    ...(plan.isMasked && { secureMinMembers: 3 }),
    logger: worldLogger(log),
    timeouts: timeoutsOf(plan),
    ...mistaken(mistake, plan),
  });
  try {
    await topology.run({ signal });
  } catch (error) {
    log(`stays out: ${errorMessage(error)}`);
  }
}
