import { runtime } from "../../base/runtime/runtime.ts";
import { errorMessage } from "../../base/errors.ts";
import type { ClientEvent } from "../../client/events.ts";
import type { EvaluateResult, Metrics } from "../../plan/results.ts";
import type { ClientPrivacyReport } from "../../train/client_privacy.ts";
import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import { DATA, dataFrom } from "../options/data.ts";
import { SCHEMA } from "../options/schema.ts";
import { UsageError } from "../options/option.ts";
import { messageWithFlag } from "../options/permissions.ts";
import { clientStatisticsFrom } from "../options/statistics.ts";
import { type Flags, libraryOptions } from "../options/table.ts";
import { printError, writeText } from "../output/terminal.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output/write_output.ts";
import { checkStandardize, readSchema } from "../run/data.ts";
import { clientPrivacyFrom } from "../run/client_privacy.ts";
import { type ClientJob, runClientJob } from "../run/client_job.ts";
import { toJson } from "../run/run_folder.ts";
import { clientSecurity } from "../run/security.ts";

/** Report of a client. */
interface ClientReport {
  readonly schema: "fedlab.client/1";
  rank?: number;
  worldSize?: number;
  readonly rounds: {
    round: number;
    numSamples: number;
    steps: number;
    loss: number;
    metrics: Metrics;
    seconds: number;
  }[];
  readonly evaluations: ({ round: number } & Omit<EvaluateResult, "confusion">)[];
  /** Privacy of the client's own. */
  privacy?: ClientPrivacyReport;
  seconds: number;
}

/** `client`: one of the ranks 1 to N. */
export function clientCommand(context: CommandContext): Command {
  const command = makeCommand("client", {
    description:
      "Runs a client of a federation: joins, trains on its own data and leaves when the run ends.",
    example: "deno task client --server 192.0.2.1:9000 --data ward.csv",
  });
  return command.action((flags: Flags<"client">) => {
    checkFlags(flags, command);
    return runClient(flags, context);
  });
}

/** Throws a `UsageError` for options that would have no effect. */
function checkFlags(flags: Flags<"client">, command: Command): void {
  const { module, moduleAllow, part } = flags;
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  if (module !== undefined && Object.keys({ ...DATA, ...SCHEMA }).some(isGiven)) {
    throw new UsageError("expected no options of data with --module: the module decides");
  }
  checkStandardize(flags);
  if (flags.standardize) {
    throw new UsageError(
      "expected --standardize of the server alone: its schema has means and deviations, by which clients standardize",
    );
  }
  if (module === undefined && moduleAllow !== undefined) {
    throw new UsageError("expected --module with --module-allow");
  }
  if (flags.adapterRank !== undefined && flags.base === undefined) {
    throw new UsageError("expected --base with --adapter-rank");
  }
  if (part === undefined && isGiven("partition")) {
    throw new UsageError("expected --part with --partition");
  }
}

async function runClient(flags: Flags<"client">, context: CommandContext): Promise<void> {
  const { signal } = context;
  // A client whose terminal is closed still tells the server that it leaves.
  using _hangUp = context.onHangUp?.();
  const job: ClientJob = {
    topology: {
      ...libraryOptions("client", flags),
      serverAddr: flags.server,
      settings: {
        ...(flags.epochs !== undefined && { epochs: flags.epochs }),
        ...(flags.batchSize !== undefined && { batchSize: flags.batchSize }),
      },
      timeouts: libraryOptions("timeouts", flags),
      statistics: clientStatisticsFrom(flags),
      ...(flags.schema !== undefined && { schema: await readSchema(flags.schema) }),
    },
    data: {
      ...dataFrom(flags),
      partition: flags.partition,
      seed: flags.seed,
      ...(flags.part && { part: flags.part }),
      ...(flags.holdOut !== undefined && { holdOut: flags.holdOut }),
    },
    engine: libraryOptions("engine", flags),
    base: flags.base,
    adapterRank: flags.adapterRank,
  };
  const report: ClientReport = {
    schema: "fedlab.client/1",
    rounds: [],
    evaluations: [],
    seconds: 0,
  };
  const began = runtime.clock.now();
  const onEvent = (event: ClientEvent) => {
    if (event.type === "joined") {
      Object.assign(report, { rank: event.rank, worldSize: event.worldSize });
    } else if (event.type === "trained") {
      const { round, result: { numSamples, steps, loss, metrics }, seconds } = event;
      report.rounds.push({ round, numSamples, steps, loss, metrics, seconds });
    } else if (event.type === "evaluated") {
      const { round, result: { confusion: _, ...result } } = event;
      report.evaluations.push({ round, ...result });
    }
  };
  const security = await clientSecurity(flags);
  using held = await clientPrivacyFrom(flags);
  const { privacy } = held;
  const run = async () => {
    if (flags.module === undefined) {
      return await runClientJob(job, { signal, onEvent, privacy, ...security });
    }
    if (typeof security.distBackend !== "string" || security.credential !== undefined) {
      throw new UsageError(
        "expected no --tls, --tls-ca, --key or FEDLAB_TOKEN with --module: the module decides",
      );
    }
    const { module, moduleAllow: granted = [], json } = flags;
    const output = json === STANDARD_OUTPUT ? runtime.process.stderr : runtime.process.stdout;
    const print = (text: string) => writeText(output, text);
    const { runModule } = await import("../module/run.ts");
    await runModule(module, job.topology, { granted, signal, onEvent, print });
  };
  const failures: unknown[] = [];
  await run().catch((error) => failures.push(error));
  if (privacy && flags.json !== undefined) report.privacy = privacy.fullReport();
  report.seconds = (runtime.clock.now() - began) / 1000;
  // A client that is stopped or fails reports too, after its first round.
  if (flags.json !== undefined && (failures.length === 0 || report.rounds.length > 0)) {
    await writeOutput(flags.json, toJson(report)).catch((cause) =>
      failures.push(
        new Error(`Cannot write ${flags.json}: ${errorMessage(cause)}`, { cause }),
      )
    );
  }
  const [first, ...others] = failures;
  for (const error of others) printError(`error: ${messageWithFlag(error)}`);
  if (first !== undefined) throw first;
}
