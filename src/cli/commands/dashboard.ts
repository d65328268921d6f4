import { tokenFromEnv } from "../../auth/token.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { startDashboard } from "../../dashboard/dashboard.ts";
import type { CommandContext } from "../context.ts";
import { RunFolders } from "../dashboard/run_folders.ts";
import type { Command } from "../deps.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { printError } from "../output/terminal.ts";

/** `dashboard`: runs that are over, or go on in other processes, in a web page. */
export function dashboardCommand({ signal }: CommandContext): Command {
  return makeCommand("dashboard", {
    description: "Shows runs in a web page: those that are over, and those of other processes.",
    example: "deno task dashboard runs",
  }).argument("[runs]", "folder with a folder for each run, or the folder of one run", "runs")
    .action((folder: string, flags: Flags<"dashboard">) => runDashboard(folder, flags, signal));
}

async function runDashboard(
  folder: string,
  { listen }: Flags<"dashboard">,
  signal: AbortSignal,
): Promise<void> {
  const path = folder.replace(/[\\/]+$/, "") || folder;
  const info = await runtime.files.stat(path).catch(() => undefined);
  if (!info?.isDirectory) throw new Error(`Cannot show ${folder}: there is no such folder`);
  const token = tokenFromEnv();
  await using page = startDashboard({
    address: listen,
    source: new RunFolders(path),
    ...(token !== undefined && { token }),
  });
  printError(`Dashboard: ${page.url}`);
  await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
