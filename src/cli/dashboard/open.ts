import type { Tracer } from "../../base/tracer.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { Openness } from "../../round/report/private_events.ts";
import type { RunControl } from "../../round/run_control.ts";
import { UsageError } from "../options/option.ts";

/** Options of a command that a dashboard depends on. */
export interface DashboardFlags {
  dashboard?: string | true;
  dashboardControl?: boolean;
  rounds?: number;
  versions?: number;
  strategy?: string;
  mode?: string;
  tlsCert?: string;
  tlsKey?: string;
}

/** Run of a command, as far as its dashboard needs it. */
export interface LiveRunHold {
  /** Folder of the run. */
  readonly folder: string;
  /** Reports of the rounds that the run had before it was resumed. */
  readonly history?: readonly unknown[];
  /** Returns the handler of the run; called after its rounds. */
  readonly handler: () => Pick<Openness, "privacy">;
  /** Pauses the run and drops clients. */
  readonly control: RunControl;
  /** Ends the run. */
  readonly stop: (reason: Error) => void;
  /** Aborted when the command is to end. */
  readonly signal: AbortSignal;
}

/** Dashboard of a command's run; without the option, nothing. */
export interface RunDashboard extends AsyncDisposable {
  /** Observer of the run's steps. */
  readonly tracer?: Tracer;
  /** Shows an event of the run. */
  show(event: ServerEvent): void;
}

/**
 * Opens the dashboard of a run where the options ask for it.
 *
 * @param command Name of the command.
 * @param flags Its options.
 * @throws {UsageError} If the page may control the run and there is no page.
 * @throws {Error} If the address is in use, not allowed, or open to others without a token.
 */
export async function openDashboard(
  command: string,
  flags: DashboardFlags,
  run: LiveRunHold,
): Promise<RunDashboard> {
  if (flags.dashboard === undefined) {
    if (flags.dashboardControl) {
      throw new UsageError("expected --dashboard with --dashboard-control");
    }
    return { show() {}, async [Symbol.asyncDispose]() {} };
  }
  const { startLive } = await import("./live.ts");
  return await startLive(command, flags, run);
}
