import { loadDataset } from "../../data/catalog/load.ts";
import type { DistBackendName } from "../../net/backend.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { RunControl } from "../../round/run_control.ts";
import { ServerSyncTop } from "../../server/sync_topology.ts";
import { joinAll } from "../../worker/join_all.ts";
import { spawn } from "../../worker/spawn.ts";
import type { WorkerProcess } from "../../worker/worker_process.ts";
import type { CommandContext } from "../context.ts";
import { allTracers } from "../run/all_tracers.ts";
import { openDashboard } from "../dashboard/open.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { UsageError } from "../options/option.ts";
import { scheduleFrom } from "../options/schedule.ts";
import { strategyFrom } from "../options/strategy.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { RunProgress } from "../output/run_progress.ts";
import { isTerminal } from "../output/terminal.ts";
import { type ClientJob, runClientJob } from "../run/client_job.ts";
import { runAndReport } from "../run/run_and_report.ts";
import { secureFrom } from "../run/secure.ts";
import { openRunFolder } from "../run/run_folder.ts";
import { buildServer, planFrom } from "../run/server_job.ts";
import { telemetryOf } from "../run/telemetry.ts";

/** Largest number of clients with a worker each: more take minutes to start, and gigabytes. */
const MOST_WORKERS = 64;

/** Addresses of the demo's server. */
const LISTEN: Readonly<Record<DistBackendName, string>> = {
  tcp: "127.0.0.1:0",
  websocket: "ws://127.0.0.1:0/",
  memory: "demo",
};

/** `demo`: a whole federation on this machine. */
export function demoCommand(context: CommandContext): Command {
  const command = makeCommand("demo", {
    description: "Trains on the bundled digits with a server and clients on this machine.",
    example: "deno task demo --clients 8 --partition dirichlet:0.3",
  });
  return command.action((flags: Flags<"demo">) => runDemo(flags, command, context));
}

async function runDemo(
  flags: Flags<"demo">,
  command: Command,
  context: CommandContext,
): Promise<void> {
  const { signal } = context;
  if (flags.cluster !== undefined) {
    const { runClusterDemo } = await import("../run/cluster_demo.ts");
    return await runClusterDemo(flags, context);
  }
  const { seed, transport: distBackend } = flags;
  if (distBackend !== "memory" && flags.clients > MOST_WORKERS) {
    throw new UsageError(
      `expected at most ${MOST_WORKERS} --clients with --transport ${distBackend}, a worker each, got ${flags.clients}: take --transport memory, or the command simulate`,
    );
  }
  const { train, test } = await loadDataset("digits");
  const timeouts = libraryOptions("timeouts", flags);
  const secureAggregation = secureFrom(flags, flags);
  await using server = await buildServer({
    handler: { ...(secureAggregation && { secureAggregation }) },
    model: flags.model,
    data: train,
    plan: planFrom(flags),
    schedule: scheduleFrom(
      flags,
      flags.rounds,
      (name) => command.getOptionValueSource(name) === "cli",
    ),
    strategy: strategyFrom(flags),
    cohort: libraryOptions("cohort", flags),
    seed,
    engine: libraryOptions("engine", flags),
    ...(test && { testData: test }),
  });
  await using folder = await openRunFolder("demo", flags);
  const shown = new RunProgress();
  const stop = new AbortController();
  const control = new RunControl();
  const telemetry = await telemetryOf("demo", folder.path, () => server.handler);
  await using dashboard = await openDashboard("demo", flags, {
    folder: folder.path,
    handler: () => server.handler,
    control,
    stop: (reason) => stop.abort(reason),
    signal,
  });
  const tracer = allTracers(dashboard.tracer, telemetry?.tracer);
  const ending = AbortSignal.any([signal, stop.signal]);
  const clients = new Clients(flags, folder.path, ending);
  const onEvent = (event: ServerEvent) => {
    dashboard.show(event);
    telemetry?.show(event);
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
    control,
    log: {
      folder: `${folder.path}/log`,
      console: !isTerminal(),
      onLine: telemetry?.onLine,
    },
    onEvent,
    ...(tracer && { tracer }),
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
  await runAndReport(topology, run, { folder, ...(json !== undefined && { json }) });
}

/** Clients of the demo: each in a worker of its own, or all in this thread. */
class Clients {
  readonly #flags: Flags<"demo">;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  #workers: WorkerProcess<void>[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(flags: Flags<"demo">, folder: string, signal: AbortSignal) {
    this.#flags = flags;
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Starts the clients; rejects when a client fails. */
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

  /** Resolves when all clients have ended, by success or failure. */
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
        secureMinMembers: 3,
        timeouts: libraryOptions("timeouts", this.#flags),
        log: { folder: `${this.#folder}/log`, console: false },
      },
      data: { data: "digits", part: { index: rank, parts: clients }, partition, seed },
      engine: libraryOptions("engine", this.#flags),
    };
  }
}
