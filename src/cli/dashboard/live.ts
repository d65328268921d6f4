import { basename, dirname } from "node:path";
import { tokenFromEnv } from "../../auth/token.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { startDashboard } from "../../dashboard/dashboard.ts";
import { LiveRun } from "../../dashboard/live_run.ts";
import type { Action } from "../../dashboard/router.ts";
import { RunState } from "../../dashboard/run_state.ts";
import type { RunSource } from "../../dashboard/run_source.ts";
import type { RoundReport } from "../../round/report/report.ts";
import type { RunControl } from "../../round/run_control.ts";
import { DASHBOARD_ADDRESS } from "../options/dashboard.ts";
import { isTerminal, printError } from "../output/terminal.ts";
import type { DashboardFlags, LiveRunHold, RunDashboard } from "./open.ts";
import { runFiles } from "./run_files.ts";
import { RunFolders } from "./run_folders.ts";
import { shownSettings } from "./shown_settings.ts";

/**
 * Starts the dashboard of a run. On a terminal it stays after a run that has finished
 * until the command is ended.
 *
 * @throws {Error} If the address is in use, not allowed, or open to others without a token.
 */
export async function startLive(
  command: string,
  { dashboard: address, dashboardControl: mayControl, ...flags }: DashboardFlags,
  { folder, history = [], handler, control, stop, signal }: LiveRunHold,
): Promise<RunDashboard> {
  const id = basename(folder);
  const state = new RunState({
    ...{ id, name: id, command, strategy: flags.strategy ?? "fedavg" },
    startedAt: runtime.clock.unixMillis(),
    settings: shownSettings(flags),
  }, {
    rounds: (flags.mode === "async" ? flags.versions : flags.rounds) ?? 0,
    privacy: () => handler().privacy?.report,
  });
  state.addRounds(history as RoundReport[]);
  const live = new LiveRun(state, () => runFiles(folder));
  const token = tokenFromEnv();
  const tls = flags.tlsCert === undefined || flags.tlsKey === undefined ? undefined : {
    cert: await runtime.files.readTextFile(flags.tlsCert),
    key: await runtime.files.readTextFile(flags.tlsKey),
  };
  const page = startDashboard({
    address: typeof address === "string" ? address : DASHBOARD_ADDRESS,
    source: besideOthers(id, live, dirname(folder)),
    measured: id,
    ...(token !== undefined && { token }),
    ...(tls && { tls }),
    ...(mayControl && {
      control: {
        actions: actionsOf(command, flags),
        act: (action) => {
          act(action, control, stop);
          live.pause(control.isPaused);
        },
      },
    }),
  });
  printError(`Dashboard: ${page.url}`);
  return {
    tracer: live,
    show: (event) => live.show(event),
    [Symbol.asyncDispose]: async () => {
      live[Symbol.dispose]();
      // Whoever looks at the page has not seen the end yet. A run that failed ends with its error.
      if (isTerminal() && state.head().stage === "finished" && !signal.aborted) {
        printError(`The dashboard stays at ${page.url} until Ctrl-C`);
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      }
      await page[Symbol.asyncDispose]();
    },
  };
}

/** Lists the actions that a command's run knows. */
function actionsOf(command: string, { mode }: Pick<DashboardFlags, "mode">): Action["action"][] {
  return [
    "stop",
    // Clients of an asynchronous run train all the time.
    ...(mode === "async" ? [] : ["pause", "resume"] as const),
    ...(command === "simulate" ? [] : ["drop"] as const),
  ];
}

function act(action: Action, control: RunControl, stop: LiveRunHold["stop"]): void {
  switch (action.action) {
    case "stop":
      return stop(new Error("stopped from the dashboard"));
    case "pause":
      return control.pause();
    case "resume":
      return control.resume();
    case "drop":
      if (control.drop(action.rank)) return;
      throw new Error(`Cannot drop client ${action.rank}: it is not connected`);
  }
}

/** Shows the run of this process before the others of its folder, where that may be read. */
function besideOthers(id: string, live: LiveRun, folder: string): RunSource {
  const others = new RunFolders(folder);
  return {
    async list() {
      const entries = await others.list().catch(() => []);
      return [live.entry, ...entries.filter((entry) => entry.id !== id)];
    },
    async find(wanted) {
      return wanted === id ? live : await others.find(wanted).catch(() => undefined);
    },
  };
}
