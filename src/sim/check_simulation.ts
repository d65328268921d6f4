import { checkFiniteFeatures } from "../data/finite.ts";
import { AT_LEAST_ONE, checkInRange, SHARE } from "../base/check.ts";
import type { Dataset } from "../data/dataset.ts";
import { checkStopping } from "../round/record/run_monitor.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { checkCompatible } from "../plan/compatibility/conflicts.ts";
import { checkSecureGroup } from "../round/secure/group_check.ts";
import { taskOf } from "../round/handler/task.ts";
import { checkClientPrivacy } from "./check_client_privacy.ts";
import { checkParts } from "./check_parts.ts";
import { checkOwnSettings } from "./own_settings.ts";
import { checkSchemas } from "./data_schema.ts";
import { clientsOf, type SimulationOptions } from "./options.ts";

/**
 * Checks the options of a simulation.
 *
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} If the model has no description, or data or the URL of the handler's module
 * are missing or wrong.
 */
export function checkSimulation(
  handler: SyncServerBackendHandler,
  options: SimulationOptions,
): void {
  const { model, plan, allows } = handler;
  const { parts, clients, train, test, testParts, rounds, workers = 1 } = options;
  const { evaluateEvery = 1, checkpointEvery = 1, quorum = 1, roundTries = 1 } = options;
  const { saveTries = 1, targetAccuracy = 1, stateBytes = 0 } = options;
  checkHandler(options.handler);
  if (!model && (options.handler === undefined || test)) {
    throw new TypeError("Cannot simulate: the handler has no description of its model");
  }
  if (model?.format === "text-encoder" && !options.base && (!options.handler || test)) {
    throw new TypeError(
      "Cannot simulate: the model is described on a pretrained base; give its file (option base, --base)",
    );
  }
  if (options.handler === undefined ? !train || !parts : !train !== !parts) {
    throw new TypeError("Cannot simulate: expected the data of the clients and their parts");
  }
  checkCount(rounds, "a number of rounds");
  checkCount(workers, "a number of workers");
  checkCount(evaluateEvery, "a number of rounds between evaluations");
  checkCount(checkpointEvery, "a number of rounds between checkpoints");
  checkCount(clientsOf(options), "a number of clients");
  if (parts && clients !== undefined && clients !== parts.length) {
    throw new RangeError(
      `Cannot simulate: expected parts of ${clients} clients, got ${parts.length}`,
    );
  }
  checkCount(roundTries, "a number of tries of a round");
  checkCount(saveTries, "a number of tries of a save");
  checkShare(quorum, "a quorum");
  checkShare(targetAccuracy, "a target accuracy");
  checkSecureGroup(handler, clientsOf(options), "Cannot simulate");
  const task = train?.task ?? taskOf(handler);
  const evaluatesClients = options.evaluateClients === true || test === undefined;
  const strategy = handler.privacy && { name: handler.strategyName, privacy: handler.privacy };
  checkCompatible({ plan, strategy, evaluatesClients }, "Cannot simulate");
  if (strategy && options.checkpoints && checkpointEvery > 1) {
    // A run that goes on from an older checkpoint would not know of the releases after it.
    throw new RangeError(
      `Cannot simulate: expected a checkpoint after each round with differential privacy, got one every ${checkpointEvery}`,
    );
  }
  checkCompatible({ plan, isSimulated: true, ...(task && { task }) }, "Cannot simulate");
  checkStopping(options.stopping ?? {}, "Cannot simulate", task);
  if (stateBytes !== Infinity) {
    checkInRange(stateBytes, { least: 0 }, "Cannot simulate", "state bytes from 0");
  }
  if (testParts && testParts.length !== parts?.length) {
    throw new RangeError(
      `Cannot simulate: expected testParts of ${
        parts?.length ?? 0
      } clients, got ${testParts.length}`,
    );
  }
  if (options.sites && options.sites.length !== clientsOf(options)) {
    throw new RangeError(
      `Cannot simulate: expected names of ${clientsOf(options)} sites, got ${options.sites.length}`,
    );
  }
  checkOwnSettings(options, plan, allows);
  checkClientPrivacy(handler, options);
  if (train && parts) {
    checkTestData(train, test);
    checkSchemas(handler, options);
    checkParts(parts, train, "");
    if (testParts) checkParts(testParts, train, " to evaluate on");
  }
  if (test) checkFiniteFeatures(test);
}

function checkCount(value: number, what: string): void {
  checkInRange(value, AT_LEAST_ONE, "Cannot simulate", `${what} from 1`);
}

function checkShare(value: number, what: string): void {
  checkInRange(value, SHARE, "Cannot simulate", `${what} above 0 and at most 1`);
}

function checkHandler(handler: SimulationOptions["handler"]): void {
  if (handler === undefined || typeof handler === "function" || URL.parse(handler)) return;
  throw new TypeError(
    `Cannot simulate: expected an absolute URL of the handler's module such as new URL("./x.ts", import.meta.url), got ${handler}`,
  );
}

function checkTestData(train: Dataset, test: Dataset = train): void {
  if (test.shape.join() !== train.shape.join() || test.numClasses > train.numClasses) {
    throw new RangeError(
      `Cannot simulate: expected test data of shape [${train.shape}] and ${train.numClasses} classes, got [${test.shape}] and ${test.numClasses}`,
    );
  }
}
