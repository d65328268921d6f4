import type { Rank } from "../base/rank.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { traced } from "../base/tracer.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import type { CheckpointSaver } from "../round/record/checkpoint_saver.ts";
import type { RunRecord } from "../round/record/run_record.ts";
import { evaluationFields } from "../round/report/evaluation_summary.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport } from "../round/report/report.ts";
import { refusedEvent } from "../round/report/update_events.ts";
import type { RoundHost } from "../round/round_host.ts";
import { roundReport, runRound, selectEvaluators } from "../round/run_round.ts";
import type { ClientStates } from "./client_states.ts";
import type { LastRound } from "./last_round.ts";
import { clientsOf, type SimulationOptions } from "./options.ts";
import type { VirtualClients } from "./virtual_clients.ts";

/** Parts of a simulation in progress. */
export interface SimulationParts {
  readonly options: SimulationOptions;
  readonly record: RunRecord;
  readonly clients: VirtualClients;
  readonly states: ClientStates;
  /** The last round, for checkpoints; `undefined` without a store for them. */
  readonly lastRound: LastRound | undefined;
  readonly saves: CheckpointSaver;
  readonly signal: AbortSignal | undefined;
  /** Tells the application of an event. */
  tell(event: ServerEvent): void;
}

/** Runs the rounds of a simulation that are left, each with its evaluation and its checkpoint. */
export async function runRounds(
  handler: SyncServerBackendHandler,
  parts: SimulationParts,
): Promise<void> {
  const { options, record, signal } = parts;
  await finishLast(handler, parts, (round) => isDue(round, options, options.evaluateEvery));
  for (let round = record.rounds.length + 1; !record.isOver; round++) {
    await options.control?.whilePaused(signal);
    const step = { name: "round", round } as const;
    await traced(options.tracer, step, () => oneRound(round, handler, parts));
  }
}

/** Reports whether what is done every `many` rounds is due after a round. */
function isDue(round: number, { rounds }: SimulationOptions, many = 1): boolean {
  return round % many === 0 || round === rounds;
}

/** Runs a round, with its evaluation and its checkpoint. */
async function oneRound(
  round: number,
  handler: SyncServerBackendHandler,
  parts: SimulationParts,
): Promise<void> {
  const { options, record, clients, states, lastRound, saves, signal, tell } = parts;
  const numClients = clientsOf(options), { tracer } = options;
  const began = runtime.clock.now();
  clients.traffic.take();
  let refused = 0;
  const spent = () => ({ refused, seconds: (runtime.clock.now() - began) / 1000 });
  let traffic: ReturnType<VirtualClients["traffic"]["take"]> | undefined;
  const host: RoundHost = {
    handler,
    numClients,
    limits: options,
    tracer,
    available: () => Promise.resolve(clients.present),
    train: async (training) => {
      const { collector } = training, isDrawn = handler.privacy?.isCohortSecret ?? false;
      if (!isDrawn && collector.cohort.length > handler.updatesWanted(numClients)) {
        throw new RangeError("Cannot simulate over-selection: no virtual client is late");
      }
      await clients.train(training);
      refused += collector.count("refused");
    },
    onModelUpdated: () => states.commit(),
    saveRelease: async (trained) => {
      // Its evaluation, on the server alone, has no traffic.
      traffic = clients.traffic.take();
      const costs = { ...spent(), ...traffic };
      lastRound?.ended(round);
      const report = roundReport(round, trained, {}, costs, handler);
      await record.saveRelease(report, () => saves.saveRelease(signal));
    },
    onModelReverted: () => states.revert(),
    evaluate: async (training) => {
      if (!isDue(round, options, options.evaluateEvery)) return {};
      const choose = (present: readonly Rank[]) => selectEvaluators(present, training, handler);
      const step = { name: "evaluate", round } as const;
      return await traced(tracer, step, () => clients.evaluate(round, choose));
    },
    lossBefore: () => record.final?.loss,
    onRevoked: (error, { rank, ...update }) => {
      refused++;
      tell(refusedEvent(rank, error, update));
    },
    emit: tell,
    warn: () => {},
  };
  const { trained, evaluated, failure } = await runRound(round, host);
  record.final = evaluated.evaluation;
  const costs = { ...spent(), ...traffic ?? clients.traffic.take() };
  endRound(parts, roundReport(round, trained, evaluated, costs, handler));
  // The model is the round's even if its evaluation has failed.
  if (failure !== undefined) throw failure;
  // The last round is saved at the end, and one with ledgers when those of the next have begun.
  if (!record.isOver && !options.clientPrivacy && isDue(round, options, options.checkpointEvery)) {
    await saves.save();
  }
}

/** Ends the last round of a run that was stopped before that round was evaluated. */
async function finishLast(
  { privacy }: SyncServerBackendHandler,
  parts: SimulationParts,
  isEvaluated: (round: number) => boolean,
): Promise<void> {
  const { record, clients, lastRound, saves, signal } = parts;
  if (privacy && record.lastRound > 0) {
    // The account may be ahead of the checkpoint, which must have it before anything is told.
    lastRound?.ended(record.lastRound);
    await saves.saveRelease(signal);
  }
  const last = record.rounds.at(-1), { untold } = record;
  if (untold) {
    const evaluated = isEvaluated(untold.round) ? await clients.evaluate(untold.round) : {};
    record.final = evaluated.evaluation;
    return endRound(parts, { ...untold, ...evaluationFields(evaluated) });
  }
  if (last && last.loss === undefined && isEvaluated(last.round)) {
    const evaluated = await clients.evaluate(last.round);
    record.final = evaluated.evaluation;
    record.replaceLast({ ...last, ...evaluationFields(evaluated) });
  }
}

/** Adds a round to the record, notes it for the next checkpoint, and tells of it. */
function endRound(
  { record, lastRound, tell }: SimulationParts,
  made: RoundReport,
): void {
  const report = record.addRound(made);
  if (!record.isSaved || record.isOver) lastRound?.ended(report.round);
  tell({ type: "round-ended", report });
}
