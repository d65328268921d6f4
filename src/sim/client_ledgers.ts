import type { Rank } from "../base/rank.ts";
import { withOwn } from "../plan/own_settings.ts";
import type { TrainSettings } from "../plan/settings.ts";
import { createClientPrivacy } from "../privacy/client/create.ts";
import type { ClientPrivacyChoice } from "../privacy/client/parse.ts";
import {
  type LedgerContent,
  type LedgerStore,
  PrivacyBudgetError,
} from "../privacy/ledger/client_ledger.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import { refusedEvent } from "../round/report/update_events.ts";
import type { ClientPrivacy, ClientPrivacyReport } from "../train/client_privacy.ts";
import { stepsOf } from "../train/private_training.ts";
import { readLedgers, type SavedLedgers, saveLedgers } from "./ledger_account.ts";
import { clientsOf, type SimulationOptions } from "./options.ts";

/** Ledgers of the clients of a simulation that keep their own data private. */
export class ClientLedgers {
  readonly #choice: ClientPrivacyChoice;
  readonly #options: Pick<SimulationOptions, "parts" | "settings">;
  readonly #dimension: number;
  readonly #clients = new Map<Rank, ClientPrivacy>();
  /** Ledgers as they are now. */
  readonly #contents: Map<Rank, LedgerContent>;
  /** Reports of earlier ledgers, one for each that differs. */
  readonly #earlier: readonly ClientPrivacyReport[];

  /**
   * Makes the ledgers of all clients.
   *
   * @param contents Ledgers with which a run goes on.
   */
  constructor(
    choice: ClientPrivacyChoice,
    handler: SyncServerBackendHandler,
    options: Pick<SimulationOptions, "parts" | "settings">,
    contents: ReadonlyMap<Rank, LedgerContent> = new Map(),
  ) {
    this.#contents = new Map(contents);
    this.#earlier = saveLedgers(contents).map(({ ledger }) => {
      const { noise, rate } = ledger.releases.at(-1) ?? {};
      const client = createClientPrivacy({ ...choice, ...(noise && { noise }) }, storeOf(ledger));
      return { ...client.report, ...(client.records && rate && { rate }) };
    });
    this.#choice = choice;
    this.#options = options;
    this.#dimension = handler.manifest.tensors
      .reduce((sum, { length, trainable }) => sum + (trainable ? length : 0), 0);
  }

  /** Report of the client that has spent most; of none before the first training. */
  get report(): ClientPrivacyReport | undefined {
    let most: ClientPrivacyReport | undefined;
    const clients = [...this.#clients.values()].map(({ report }) => report);
    for (const report of [...this.#earlier, ...clients]) {
      if (most === undefined || (report.epsilon ?? 0) > (most.epsilon ?? 0)) most = report;
    }
    return most;
  }

  /** The ledgers, for the account beside a checkpoint. */
  get saved(): SavedLedgers {
    return saveLedgers(this.#contents);
  }

  /**
   * Enters the training of a cohort, and settles the clients whose budget does not allow it.
   *
   * @returns The clients that may train.
   */
  async enter(
    { collector }: TrainingExchange,
    handler: SyncServerBackendHandler,
    onEvent: SimulationOptions["onEvent"],
  ): Promise<Rank[]> {
    const { cohort, round } = collector, able: Rank[] = [];
    const settings = handler.planFor(round);
    for (const rank of cohort) {
      const message = await this.#spend(rank, settings);
      if (message === undefined) {
        able.push(rank);
        continue;
      }
      collector.settle(rank, "refused", message, true);
      onEvent?.(refusedEvent(rank, { fault: "cannot-train", message }, { round }));
    }
    return able;
  }

  /** Enters the training of a client; returns the reason for which it must not train. */
  async #spend(rank: Rank, settings: TrainSettings): Promise<string | undefined> {
    const { parts, settings: own } = this.#options;
    const records = parts?.[rank - 1]?.length ?? 0, dimension = this.#dimension;
    const plan = withOwn(settings, own?.[rank - 1]);
    const spend = async (privacy: ClientPrivacy) => {
      await privacy.records?.begin({ ...stepsOf(plan, records), records, dimension });
      const nothing = new Float32Array(0);
      await privacy.updates?.protect({ from: nothing, to: nothing, fixed: [] });
    };
    try {
      const privacy = this.#clients.get(rank) ?? await this.#open(rank, spend);
      this.#clients.set(rank, privacy);
      await spend(privacy);
    } catch (error) {
      if (error instanceof PrivacyBudgetError) return error.message;
      throw error;
    }
  }

  async #open(
    rank: Rank,
    spend: (privacy: ClientPrivacy) => Promise<void>,
  ): Promise<ClientPrivacy> {
    const contents = this.#contents, known = contents.get(rank);
    const store = storeOf(known, (content) => contents.set(rank, content));
    if (known === undefined) return createClientPrivacy(this.#choice, store);
    // The training has the noise of a client without a ledger, also in a run that goes on.
    const first = createClientPrivacy(this.#choice);
    await spend(first);
    const { noise } = first.report;
    return createClientPrivacy({ ...this.#choice, ...(noise && { noise }) }, store);
  }
}

/** Makes a store in memory. */
function storeOf(
  known: LedgerContent | undefined,
  write: (content: LedgerContent) => void = () => {},
): LedgerStore {
  return {
    known,
    read: () => Promise.resolve(known),
    write: (content) => Promise.resolve(write(content)),
  };
}

/** Makes the ledgers of a simulation, where its clients keep their data private. */
export function ledgersOf(
  handler: SyncServerBackendHandler,
  options: SimulationOptions,
): ClientLedgers | undefined {
  const choice = choiceFor(options);
  const contents = readLedgers(options, clientsOf(options));
  return choice && new ClientLedgers(choice, handler, options, contents);
}

/** Returns the choice with the number of rounds that noise is for. */
export function choiceFor(
  { clientPrivacy, rounds }: Pick<SimulationOptions, "clientPrivacy" | "rounds">,
): ClientPrivacyChoice | undefined {
  return clientPrivacy && { rounds, ...clientPrivacy };
}
