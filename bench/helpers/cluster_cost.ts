/** Processor time of one kind of process of a cluster. */
export interface ProcessCost {
  /** Milliseconds for each job. */
  readonly perJob: number;
  /** Milliseconds for each megabyte that the process sends or receives. */
  readonly perMegabyte: number;
}

/** Costs of a cluster, measured on one kind of machine. */
export interface ClusterCosts {
  readonly coordinator: ProcessCost;
  readonly server: ProcessCost;
  /** Of a machine's thread, beside the training. */
  readonly worker: ProcessCost;
  /** Milliseconds of a round in which nobody computes. */
  readonly fixedMillis: number;
}

/** Load of a cluster. */
export interface ClusterLoad {
  readonly machines: number;
  /** Threads of all machines. */
  readonly threads: number;
  /** Clients of a round. */
  readonly cohort: number;
  readonly modelMegabytes: number;
  /** Processor time of the training of one client, in milliseconds. */
  readonly trainMillis: number;
  /** Megabytes that the server's and the coordinator's links move in a second each way. */
  readonly linkMegabytes: number;
}

/** Milliseconds of a round that each part of the cluster takes, and the longest of them. */
export interface RoundCost {
  readonly coordinator: number;
  readonly server: number;
  readonly workers: number;
  readonly link: number;
  /** Time of a round where each part has processors of its own. */
  readonly round: number;
  /** Processor time of all parts together. */
  readonly total: number;
}

/** Megabytes of a round: parameters to each machine, and an update of each client. */
export function megabytesOf(
  { machines, cohort, modelMegabytes }: Pick<
    ClusterLoad,
    "machines" | "cohort" | "modelMegabytes"
  >,
): { coordinator: number; server: number; workers: number } {
  const down = machines * modelMegabytes, up = cohort * modelMegabytes;
  const coordinator = modelMegabytes + up;
  // What comes in goes out again.
  return { coordinator, server: coordinator + down + up, workers: down + up };
}

/**
 * Predicts the time of a round. Jobs, and the ways of their updates, overlap: the part that takes
 * longest decides, and the ways of the parameters come before.
 */
export function roundCost(costs: ClusterCosts, load: ClusterLoad): RoundCost {
  const { machines, threads, cohort, modelMegabytes, trainMillis, linkMegabytes } = load;
  const moved = megabytesOf(load);
  const of = ({ perJob, perMegabyte }: ProcessCost, megabytes: number) =>
    perJob * cohort + perMegabyte * megabytes;
  const coordinator = of(costs.coordinator, moved.coordinator);
  const server = of(costs.server, moved.server);
  const training = cohort * trainMillis, beside = of(costs.worker, moved.workers);
  // The last of a thread's clients is waited for, however few there are.
  const workers = Math.ceil(cohort / threads) * trainMillis + beside / threads;
  const link = 1000 * Math.max(machines, cohort) * modelMegabytes / linkMegabytes;
  return {
    ...{ coordinator, server, workers, link },
    round: costs.fixedMillis + Math.max(coordinator, server, workers, link),
    total: coordinator + server + training + beside,
  };
}
