/**
 * Dashboard: a web page that shows runs, and their figures for Prometheus.
 *
 * @example Show the run of a server of your own
 * ```ts ignore
 * import { LiveRun, RunState, startDashboard } from "@fedlab/core/dashboard";
 * import { ServerSyncTop } from "@fedlab/core";
 *
 * const id = "my-run";
 * const run = new LiveRun(
 *   new RunState({ id, name: id, command: "server", strategy: "fedavg", settings: {} }),
 * );
 * await using page = startDashboard({
 *   address: "127.0.0.1:9100",
 *   source: {
 *     list: () => Promise.resolve([run.entry]),
 *     find: (wanted) => Promise.resolve(wanted === id ? run : undefined),
 *   },
 *   measured: id,
 * });
 * const server = new ServerSyncTop(handler, { onEvent: (event) => run.show(event) });
 * await server.run();
 * ```
 *
 * @module
 */

export { type DashboardOptions, type RunningDashboard, startDashboard } from "./dashboard.ts";
export { LiveRun } from "./live_run.ts";
export { prometheusText } from "./prometheus.ts";
export type { Action, Control } from "./router.ts";
export type { RunEntry, RunFile, RunMessage, RunSource, ShownRun } from "./run_source.ts";
export { RunState } from "./run_state.ts";
export type {
  ClientRow,
  ClientState,
  EventLine,
  OpenRound,
  RoundPoint,
  RunHead,
  RunIdentity,
  RunStage,
  RunStateOptions,
  RunView,
  ViewChange,
} from "./view.ts";
