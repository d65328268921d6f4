import { loadDataset } from "../../data/catalog/load.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { DIST_BACKEND_NAMES, type DistBackendName } from "../../net/backend.ts";
import { ServerSyncTop } from "../../server/sync_topology.ts";
import { joinAll } from "../../worker/join_all.ts";
import { spawn } from "../../worker/spawn.ts";
import type { WorkerProcess } from "../../worker/worker_process.ts";
import { type ClientJob, runClientJob } from "../run/client_job.ts";
import { conduct } from "../run/conduct.ts";
import {
  choice,
  type EngineFlags,
  engineFrom,
  planFrom,
  real,
  type SelectionFlags,
  selectionFrom,
  type StrategyFlags,
  strategyFrom,
  type TimeoutFlags,
  timeoutsFrom,
  type TrainFlags,
  UsageError,
  whole,
  withCommon,
  withEngine,
  withSelection,
  withStrategy,
  withTimeouts,
  withTraining,
} from "../options/options.ts";
import { withPartition } from "../options/partition_options.ts";
import { openRunFolder } from "../run/run_folder.ts";
import { buildServer } from "../run/server_job.ts";
import { isTerminal, RunProgress } from "../output/terminal.ts";
import { Command } from "../deps.ts";
import type { CommandContext } from "../context.ts";

/** Most clients that have a worker each: more take minutes to start, and gigabytes. */
const MOST_WORKERS = 64;

/** Where the demo's server listens. */
const LISTEN: Readonly<Record<DistBackendName, string>> = {
  tcp: "127.0.0.1:0",
  websocket: "ws://127.0.0.1:0/",
  memory: "demo",
};

interface DemoFlags extends TrainFlags, TimeoutFlags, EngineFlags, StrategyFlags, SelectionFlags {
  clients: number;
  rounds: number;
  fraction: number;
  transport: DistBackendName;
  model: string;
  partition: ClientJob["data"]["partition"];
  seed: number;
  json?: string;
  out?: string;
}

/** `demo`: a whole federation on this machine. */
export function demoCommand(context: CommandContext): Command {
  const command = new Command("demo")
    .description("server and clients on this machine, embedded digits, to the end")
    .option(
      "--clients <n>",
      `number of clients; at most ${MOST_WORKERS}, except in memory`,
      whole(1, 1000),
      4,
    )
    .option("--rounds <n>", "number of rounds", whole(1), 15)
    .option(
      "--fraction <c>",
      "share of the clients that a round takes",
      real({ above: 0, most: 1 }),
      1,
    )
    .addOption(
      choice(
        "--transport <name>",
        "tcp, websocket: clients in workers; memory: all in one",
        DIST_BACKEND_NAMES,
        "tcp",
      ),
    )
    .option("--model <name>", "lr, mlp, 2nn or cnn", "mlp")
    .option("--out <dir>", "the run's folder (default: a new one in runs)");
  withPartition(command, "how the digits are dealt");
  withStrategy(command);
  withSelection(command);
  withTraining(command, { epochs: 2, lr: 0.1 });
  withEngine(command);
  withTimeouts(command, ["joinSeconds", "roundSeconds"]);
  withCommon(command, "seed of everything random");
  return command.action((flags: DemoFlags) => runDemo(flags, context));
}

async function runDemo(flags: DemoFlags, { signal }: CommandContext): Promise<void> {
  const { seed, transport: distBackend } = flags;
  if (distBackend !== "memory" && flags.clients > MOST_WORKERS) {
    throw new UsageError(
      `expected at most ${MOST_WORKERS} --clients with --transport ${distBackend}, a worker each, got ${flags.clients}: take --transport memory, or the command simulate`,
    );
  }
  const { train, test } = await loadDataset("digits");
  const timeouts = timeoutsFrom(flags);
  await using server = await buildServer({
    model: flags.model,
    data: train,
    plan: planFrom(flags),
    strategy: strategyFrom(flags),
    selection: selectionFrom(flags),
    fraction: flags.fraction,
    seed,
    engine: engineFrom(flags),
    ...(test && { testData: test }),
  });
  await using folder = await openRunFolder("demo", flags);
  const shown = new RunProgress();
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  const clients = new Clients(flags, folder.path, ending);
  const onEvent = (event: ServerEvent) => {
    if (isTerminal()) shown.show(event);
    if (event.type === "listening") {
      clients.start(event.address).catch((error) => stop.abort(error));
    }
  };
  const topology = new ServerSyncTop(server.handler, {
    listen: LISTEN[distBackend],
    worldSize: flags.clients + 1,
    rounds: flags.rounds,
    distBackend,
    timeouts,
    log: { folder: `${folder.path}/log`, console: !isTerminal() },
    onEvent,
  });
  const run = async () => {
    using _bar = shown;
    try {
      return await topology.run({ signal: ending });
    } catch (error) {
      stop.abort(error);
      throw error;
    } finally {
      await clients.ended();
    }
  };
  const { json } = flags;
  await conduct(topology, run, { folder, ...(json !== undefined && { json }) });
}

/** The demo's clients: each in a worker of its own, or all in this thread in memory. */
class Clients {
  readonly #flags: DemoFlags;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  #workers: WorkerProcess<void>[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(flags: DemoFlags, folder: string, signal: AbortSignal) {
    this.#flags = flags;
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Starts them; rejects when one of them fails. */
  start(serverAddr: string): Promise<unknown> {
    const jobs = Array.from(
      { length: this.#flags.clients },
      (_, i) => this.#job(serverAddr, i + 1),
    );
    if (this.#flags.transport === "memory") {
      this.#running = Promise.all(jobs.map((job) => runClientJob(job, { signal: this.#signal })));
    } else {
      const module = new URL("../run/client_worker.ts", import.meta.url);
      this.#workers = jobs.map((job) =>
        spawn<ClientJob, void>(module, job, { name: `client ${job.topology.rank}` })
      );
      for (const worker of this.#workers) worker.start();
      this.#running = joinAll(this.#workers, { signal: this.#signal });
    }
    return this.#running;
  }

  /** Resolves when all have ended, well or not. */
  async ended(): Promise<void> {
    await this.#running.catch(() => {});
  }

  #job(serverAddr: string, rank: number): ClientJob {
    const { clients, seed, partition, transport } = this.#flags;
    return {
      topology: {
        serverAddr,
        rank,
        worldSize: clients + 1,
        distBackend: transport,
        timeouts: timeoutsFrom(this.#flags),
        log: { folder: `${this.#folder}/log`, console: false },
      },
      data: { data: "digits", part: { index: rank, parts: clients }, partition, seed },
      engine: engineFrom(this.#flags),
    };
  }
}
