import { checkCompatible } from "../plan/compatibility/conflicts.ts";
import { StrategyServerHandler } from "../round/handler/strategy_handler.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { spansWithout, untrainedSpans } from "../strategy/untrained.ts";
import type { SimulationOptions } from "./options.ts";

/**
 * Checks that the clients of a simulation can keep their data private.
 *
 * @throws {RangeError} If they cannot, with the other choices.
 */
export function checkClientPrivacy(
  handler: SyncServerBackendHandler,
  options: SimulationOptions,
): void {
  const { clientPrivacy, checkpoints, checkpointEvery = 1, evaluateClients = false, test } =
    options;
  if (clientPrivacy === undefined) return;
  const { plan, manifest } = handler;
  checkCompatible({
    plan,
    ownPrivacy: clientPrivacy.kind === "record" ? "dp-sgd" : "local",
    strategy: handler instanceof StrategyServerHandler ? handler.strategy : undefined,
    engine: options.engine,
    evaluatesClients: evaluateClients || test === undefined,
    hasUntrained: spansWithout(untrainedSpans(manifest), []).length > 0,
  }, "Cannot simulate");
  if (options.handler !== undefined) {
    throw new RangeError(
      "Cannot simulate: expected the built-in handler with privacy of the clients, got another one, whose privacy is its own",
    );
  }
  if (checkpoints !== undefined && checkpointEvery > 1) {
    throw new RangeError(
      `Cannot simulate: expected a checkpoint of each round with privacy of the clients, whose ledgers are in it, got one every ${checkpointEvery}`,
    );
  }
}
