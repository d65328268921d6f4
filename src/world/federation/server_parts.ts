import { parseCodec } from "../../codec/registry.ts";
import { CentralPrivacy } from "../../privacy/central_privacy.ts";
import { parsePrivacy } from "../../privacy/parse.ts";
import type {
  ServerHandlerOptions,
  SyncParameterServerHandlerOptions,
} from "../../round/handler/options.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import { parseStrategy } from "../../strategy/registry.ts";
import type { FederationPlan } from "./plan.ts";
import { initialVector, meanSquare, stepManifest } from "./step_handler.ts";

/** Returns the options of the handler of a plan's server, whatever its mode. */
export function commonOptions(plan: FederationPlan): ServerHandlerOptions {
  return {
    manifest: stepManifest(plan.length),
    parameters: initialVector(plan.length),
    seed: plan.seed,
    ...(plan.uplink !== undefined && { uplink: parseCodec(plan.uplink) }),
    ...(plan.downlink !== undefined && { downlink: parseCodec(plan.downlink) }),
    ...(plan.isMasked && {
      secureAggregation: {
        ...{ minMembers: 3, maxMembers: plan.clients },
        ...(plan.isSigned && { signed: true }),
      },
    }),
    ...(plan.evaluates === "server" && {
      evaluator: (vector) => Promise.resolve({ numSamples: 1, loss: meanSquare(vector) }),
    }),
  };
}

/** Returns the options of the handler of a plan's synchronous server. */
export function syncOptions(plan: FederationPlan): SyncParameterServerHandlerOptions {
  const { fraction, overSelection } = plan;
  return { ...commonOptions(plan), strategy: strategyOf(plan), fraction, overSelection };
}

/** Number of updates that each round of a plan wants. */
export function updatesWanted({ fraction, clients }: FederationPlan): number {
  return Math.max(1, Math.round(fraction * clients));
}

function strategyOf(plan: FederationPlan): Strategy {
  const { strategy, privacy, rounds, clients } = plan, then = parseStrategy(strategy);
  if (privacy === undefined) return then;
  const cohort = updatesWanted(plan);
  return new CentralPrivacy({ ...parsePrivacy(privacy), rounds, clients, cohort, then });
}
