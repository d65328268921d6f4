import type { ServerBackendHandler } from "../handler/server_backend_handler.ts";
import type { RunReport } from "./report.ts";

/** Returns the fields of a run's report about what its clients are guaranteed. */
export function guaranteesOf(
  { privacy, secure }: ServerBackendHandler,
  transport: string,
): Pick<RunReport, "privacy" | "secure"> {
  return {
    ...(privacy && { privacy: privacy.report }),
    ...(secure && { secure: secure.reportOf({ isMasked: transport !== "simulation" }) }),
  };
}
