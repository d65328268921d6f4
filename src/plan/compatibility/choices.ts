/**
 * Choices of a run that may not go together.
 *
 * @module
 */

import { CLASS_METRICS, MEASURE_METRICS } from "./metric_kinds.ts";
import type { RunChoices } from "./run_choices.ts";
import { sharesNoise, type StrategyTraits, takesMean } from "./strategy_traits.ts";
import { type LocalRule, sendsGradient } from "../rules/rules.ts";
import { hasMoments } from "../settings.ts";

export type { RunChoices, StrategyTraits };

/** Choice that the table of conflicts names. */
export interface Choice {
  /** Text in messages and docs. */
  readonly title: string;
  /** Tells if a run makes the choice. */
  readonly isMade: (run: RunChoices) => boolean;
}

const hasRule = (name: LocalRule["name"]) => ({ plan }: RunChoices) => plan?.rule?.name === name;

/** The choices by name. */
export const CHOICES = {
  adam: { title: "Adam at the clients", isMade: ({ plan }) => hasMoments(plan?.optimizer) },
  momentum: { title: "momentum at the clients", isMade: ({ plan }) => (plan?.momentum ?? 0) > 0 },
  noMomentum: {
    title: "a momentum of 0",
    isMade: ({ plan }) => plan?.momentum === 0,
  },
  nesterov: { title: "Nesterov's momentum", isMade: ({ plan }) => plan?.nesterov === true },
  keptMomentum: {
    title: "momentum kept from round to round",
    isMade: ({ plan }) =>
      plan?.keepMomentum === true && ((plan.momentum ?? 0) > 0 || hasMoments(plan.optimizer)),
  },
  weightDecay: {
    title: "weight decay at the clients",
    isMade: ({ plan }) => (plan?.weightDecay ?? 0) > 0,
  },
  proximal: {
    title: "a proximal term",
    isMade: ({ plan }) => (plan?.proximal ?? 0) > 0,
  },
  proximalMomentum: {
    title: "a proximal term with momentum",
    isMade: ({ plan }) => (plan?.proximal ?? 0) > 0 && (plan?.momentum ?? 0) > 0,
  },
  largeProximal: {
    title: "a proximal term of 1 / learning rate or more",
    isMade: ({ plan }) => (plan?.proximal ?? 0) * (plan?.learningRate ?? 0) >= 1,
  },
  schedule: {
    title: "a schedule of the learning rate",
    isMade: ({ schedule }) =>
      schedule !== undefined && (schedule.name !== "constant" || (schedule.warmup ?? 0) > 0),
  },
  ownSettings: {
    title: "settings that clients choose themselves",
    isMade: ({ allows }) => allows?.epochs !== undefined || allows?.batchSize !== undefined,
  },
  classWeights: {
    title: "class weights",
    isMade: ({ plan }) => plan?.classWeights !== undefined,
  },
  gradients: {
    title: "fedsgd, whose clients send gradients,",
    isMade: ({ plan }) => sendsGradient(plan?.rule),
  },
  scaffold: { title: "scaffold", isMade: hasRule("scaffold") },
  feddyn: { title: "feddyn", isMade: hasRule("feddyn") },
  ditto: { title: "ditto", isMade: hasRule("ditto") },
  flex: { title: "flex", isMade: hasRule("flex") },
  normalizedSteps: {
    title: "fednova",
    isMade: ({ strategy }) => strategy?.normalizesSteps === true,
  },
  fixedStep: {
    title: "a strategy with a learning rate of its own in place of the clients'",
    isMade: ({ strategy }) => strategy?.fixesLearningRate === true,
  },
  honestMajority: {
    title: "a strategy that needs an honest majority",
    isMade: ({ strategy }) => strategy?.needsHonestMajority === true,
  },
  overSelection: { title: "over-selection", isMade: ({ overSelection = 0 }) => overSelection > 0 },
  exactSums: {
    title: "exact aggregation",
    isMade: ({ aggregation }) => aggregation === "exact",
  },
  noSums: {
    title: "a strategy that is no function of weighted sums, such as median or krum",
    isMade: ({ strategy }) =>
      strategy !== undefined && (strategy.privacy?.then ?? strategy).sums === undefined,
  },
  uplink: { title: "a codec of the updates", isMade: ({ uplink }) => uplink !== undefined },
  coarseUplink: {
    title: "a codec of the updates with a large error, such as eden:bits=1 or topk",
    isMade: ({ uplink = "" }) => /^(eden:(bits=[1-3]|.*share=)|topk)/.test(uplink),
  },
  downlink: {
    title: "a codec of the parameters",
    isMade: ({ downlink }) => downlink !== undefined,
  },
  asynchronous: { title: "the asynchronous mode", isMade: ({ mode }) => mode === "async" },
  simulation: {
    title: "a simulation",
    isMade: ({ isSimulated = false }) => isSimulated,
  },
  cluster: { title: "a cluster", isMade: ({ isClustered = false }) => isClustered },
  ownWorkers: {
    title: "a number of workers of this process",
    isMade: ({ workers }) => workers !== undefined,
  },
  functionHandler: {
    title: "a function that makes the clients' handlers",
    isMade: ({ hasFunction = false }) => hasFunction,
  },
  builtInBase: {
    title: "the built-in handler of a pretrained base",
    isMade: ({ hasBase = false }) => hasBase,
  },
  secure: {
    title: "secure aggregation",
    isMade: ({ plan }) => plan?.secure !== undefined,
  },
  figureSelection: {
    title: "a selection by samples or loss",
    isMade: ({ selection }) =>
      selection?.name === "samples" || selection?.name === "power-of-choice",
  },
  privacy: {
    title: "differential privacy",
    isMade: ({ strategy }) => strategy?.privacy !== undefined && !sharesNoise(strategy),
  },
  distributed: {
    title: "distributed differential privacy",
    isMade: ({ strategy }) => strategy !== undefined && sharesNoise(strategy),
  },
  secretCohorts: {
    title: "differential privacy by fedavg, whose cohorts are secret,",
    isMade: ({ strategy }) =>
      strategy?.privacy !== undefined && strategy.privacy.members === undefined,
  },
  recordPrivacy: {
    title: "privacy of records by the clients",
    isMade: ({ ownPrivacy }) => ownPrivacy === "dp-sgd",
  },
  localPrivacy: {
    title: "noise by the clients",
    isMade: ({ ownPrivacy }) => ownPrivacy === "local",
  },
  tfjs: { title: "the engine tfjs", isMade: ({ engine }) => engine === "tfjs" },
  initialLoss: {
    title: "a strategy that needs the clients' losses, such as qfedavg,",
    isMade: hasRule("initial-loss"),
  },
  manyMeans: {
    title: "a strategy that needs more than the mean of the updates, such as median or fednova,",
    isMade: ({ strategy }) =>
      strategy !== undefined && !takesMean(strategy.privacy?.then ?? strategy),
  },
  clientControl: {
    title: "a strategy whose clients correct their steps, such as scaffold or feddyn,",
    isMade: ({ plan }) => plan?.rule?.name === "scaffold" || plan?.rule?.name === "feddyn",
  },
  biasedSelection: {
    title: "a selection by samples, loss or availability",
    isMade: ({ selection }) =>
      selection !== undefined && selection.name !== "uniform" && selection.name !== "round-robin",
  },
  clientEvaluation: {
    title: "evaluation by the clients",
    isMade: ({ evaluatesClients = false }) => evaluatesClients,
  },
  untrained: {
    title: "a model with moving statistics, such as BatchNorm's,",
    isMade: ({ hasUntrained = false }) => hasUntrained,
  },
  turns: {
    title: "adapters that are trained in turns (train=alternate)",
    isMade: ({ takesTurns = false }) => takesTurns,
  },
  serverOptimizer: {
    title: "an optimizer on the server, such as fedavgm or fedadam",
    isMade: ({ strategy }) => (strategy?.privacy?.then ?? strategy)?.optimizesOnServer === true,
  },
  regression: { title: "a regression", isMade: ({ task }) => task === "regression" },
  multiLabel: { title: "a multi-label task", isMade: ({ task }) => task === "multi-label" },
  classMetric: {
    title: "stopping by a metric of classes",
    isMade: ({ monitored = [] }) => monitored.some((name) => CLASS_METRICS.has(name)),
  },
  measureMetric: {
    title: "stopping by a metric of measures",
    isMade: ({ monitored = [] }) => monitored.some((name) => MEASURE_METRICS.has(name)),
  },
  classes: {
    title: "a classification",
    isMade: ({ task }) => task === "classification" || task === "multi-label",
  },
} as const satisfies Readonly<Record<string, Choice>>;

/** Name of a choice. */
export type ChoiceName = keyof typeof CHOICES;
