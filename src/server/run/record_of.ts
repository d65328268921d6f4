import { transportOf } from "../../net/backend.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import { RunRecord } from "../../round/record/run_record.ts";
import type { ServerTopologyOptions } from "../options.ts";

/** Makes the record of the runs of a server. */
export function recordOf(handler: ServerBackendHandler, options: ServerTopologyOptions): RunRecord {
  return new RunRecord(handler, {
    ...options,
    get transport() {
      return transportOf(options.distBackend ?? "tcp").name;
    },
  });
}
