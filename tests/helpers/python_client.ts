/** The client of examples/python, and runs that it takes part in. */
import {
  ClientSyncTop,
  type Dataset,
  digits,
  initialParameters,
  logisticRegression,
  NativeSGDHandler,
  type RunReport,
  ServerSyncTop,
  type ServerTopologyOptions,
  silentLogger,
  SyncParameterServerHandler,
  type SyncParameterServerHandlerOptions,
  trainTestSplit,
} from "../../mod.ts";
import { inFolder, type Outcome } from "./command.ts";
import { findPython } from "./python.ts";

/** Folder of the example. */
export const FOLDER = `${import.meta.dirname}/../../examples/python`;
/** Program of the example. */
export const SCRIPT = `${FOLDER}/client.py`;

/**
 * Gives a function that declares tests of the example, for a Python with the packages that they
 * need. Without one the tests are skipped, which a line of its own says.
 */
export async function pythonTests(
  ...packages: readonly string[]
): Promise<(name: string, fn: (python: string, folder: string) => Promise<void>) => void> {
  const python = await findPython("FEDLAB_PYTHON", packages);
  const needs = `needs Python with ${packages.join(", ")}, see FEDLAB_PYTHON`;
  if (python === undefined) console.warn(`SKIPPED: the tests of examples/python: ${needs}`);
  return (name, fn) =>
    Deno.test({
      name: `examples/python ${name} (${needs})`,
      // On Windows there is no signal that a process could answer.
      ignore: python === undefined || (Deno.build.os === "windows" && name.startsWith("leaves")),
      fn: () => inFolder((folder) => fn(python ?? "", folder)),
    });
}

/** Starts the example and gives what it came to; `args` are beside the address. */
export async function runExample(
  python: string,
  address: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const decoder = new TextDecoder();
  const { code, stdout, stderr } = await new Deno.Command(python, {
    args: [SCRIPT, "--server", address, ...args],
    env,
  }).output();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The rows as a CSV file, labels last, whose first line names no columns. */
export async function writeCsv(
  path: string,
  { features, labels, length }: Dataset,
): Promise<string> {
  const width = features.length / length;
  const header = ["pixels and label"];
  const rows = Array.from(
    labels,
    (label, i) => [...features.subarray(i * width, (i + 1) * width), label],
  );
  await Deno.writeTextFile(path, [header, ...rows].map((row) => row.join(",")).join("\n") + "\n");
  return path;
}

/** Server, and what joins it. */
export interface Federation {
  handler?: Partial<SyncParameterServerHandlerOptions>;
  server?: Partial<ServerTopologyOptions>;
  /** Starts what should join. */
  join: (address: string) => Promise<unknown>[];
}

const split = trainTestSplit(await digits(), { seed: 1, testCount: 297 });
/** Rows to train on, and to test. */
export const { train, test } = split;
/** Logistic regression on them. */
export const LR = logisticRegression({ inputShape: train.shape, numClasses: train.numClasses });

/** Runs a server of logistic regression on the digits, to the end of all that joined. */
export async function federate({ handler: options, server, join }: Federation): Promise<
  { report?: RunReport; parameters: Float32Array }
> {
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(options?.model ?? LR, 1),
    model: LR,
    ...options,
  });
  const over = new AbortController();
  let running: Promise<unknown>[] = [];
  const topology = new ServerSyncTop(handler, {
    listen: "127.0.0.1:0",
    worldSize: 2,
    rounds: 1,
    logger: silentLogger,
    ...server,
    onEvent: (event) => {
      if (event.type !== "listening") return;
      running = join(event.address);
      // A server whose clients were all refused would wait for others.
      Promise.allSettled(running).then(() => over.abort(new Error("nobody is left")));
    },
  });
  const report = await topology.run({ signal: over.signal }).catch(() => undefined);
  await Promise.all(running);
  return { ...(report && { report }), parameters: handler.parameters };
}

/** Runs a client of this package. */
export const denoClient = (serverAddr: string, data: Dataset, rank: number) =>
  new ClientSyncTop(new NativeSGDHandler({ data }), { serverAddr, rank, logger: silentLogger })
    .run();
