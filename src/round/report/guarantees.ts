import type { ServerBackendHandler } from "../handler/server_backend_handler.ts";
import type { RunReport } from "./report.ts";

/** Parties that the guarantee of a private run rests on. */
const TRUST = {
  simulation: "who runs the simulation, and can see each update",
  server: "the server, which sees each update, clips it and adds the noise",
  secure:
    "the server, which sees sums of updates and adds the noise; each client clips its own update, for itself",
  shared:
    "secure aggregation, by which nobody sees more than sums with noise; each client clips its own update and adds noise",
} as const;

/** Returns the fields of a run's report about what its clients are guaranteed. */
export function guaranteesOf(
  { privacy, secure }: ServerBackendHandler,
  transport: string,
): Pick<RunReport, "privacy" | "secure"> {
  const isMasked = transport !== "simulation";
  const trust = !isMasked
    ? TRUST.simulation
    : privacy?.isNoiseShared
    ? TRUST.shared
    : TRUST[secure ? "secure" : "server"];
  const report = privacy?.report;
  return {
    ...(report && { privacy: { ...report, ...(report.guarantee === undefined && { trust }) } }),
    ...(secure && { secure: secure.reportOf({ isMasked }) }),
  };
}
