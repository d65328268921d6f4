/** A server and its clients as processes of their own. */

import type { RunReport } from "@fedlab/core";
import { readModel, type TrainedModel } from "@fedlab/core/train";

const CLI = new URL("../../src/cli/main.ts", import.meta.url).href;

/** Site that takes part. */
export interface SiteFile {
  /** Name in the tables. */
  readonly name: string;
  /** Path of its file, absolute. */
  readonly path: string;
}

/** Settings of {@linkcode runFederation}. */
export interface FederationSettings {
  /** The sites, in the order of their ranks. */
  readonly sites: readonly SiteFile[];
  /** Seed of the run, and of the rows that the sites hold out. */
  readonly seed: number;
  /** Share of the rows that each site holds out. */
  readonly holdOut: number;
  /** Further options of the server. */
  readonly server: readonly string[];
}

/** Outcome of a run. */
export interface FederationOutcome {
  readonly report: RunReport;
  readonly trained: TrainedModel;
}

/**
 * Runs a server without data and a client for each site.
 *
 * @param folder Folder of the run, which the server makes.
 * @throws {Error} If a process fails. The message is what it wrote.
 */
export async function runFederation(
  folder: string,
  { sites, seed, holdOut, server }: FederationSettings,
): Promise<FederationOutcome> {
  const address = freeAddress();
  const common = ["--seed", `${seed}`, "--logger-file", ""];
  const commands = [
    ["server", "--listen", address, "--world-size", `${sites.length + 1}`, "--out", folder]
      .concat("--schema", "federated", "--evaluate", "clients", common, server),
    ...sites.map(({ path }, i) =>
      ["client", "--server", address, "--rank", `${i + 1}`, "--data", path]
        .concat("--hold-out", `${holdOut}`, common)
    ),
  ];
  const failed = new AbortController();
  await Promise.all(commands.map((args) =>
    fedlab(args, folder, failed.signal).catch((error) => {
      // The others would wait for it.
      failed.abort(error);
    })
  ));
  failed.signal.throwIfAborted();
  return {
    report: JSON.parse(await Deno.readTextFile(`${folder}/report.json`)),
    trained: await readModel(`${folder}/model.safetensors`),
  };
}

/**
 * Runs a command of the checkout, such as `predict`.
 *
 * @param folder Folder in which it may write.
 * @throws {Error} If it fails.
 */
export async function fedlab(
  args: readonly string[],
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const permissions = ["--allow-read", `--allow-write=${folder}`, "--allow-env"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net=127.0.0.1", ...permissions, CLI, ...args],
    stdin: "null",
    ...(signal && { signal }),
  }).output();
  signal?.throwIfAborted();
  if (code === 0) return;
  throw new Error(
    `fedlab ${args.join(" ")} ended with ${code}: ${new TextDecoder().decode(stderr)}`,
  );
}

function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}
