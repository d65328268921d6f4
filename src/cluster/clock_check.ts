import { runtime } from "../base/runtime/runtime.ts";
import type { Cluster } from "./connect.ts";
import { insist } from "./insist.ts";
import { SESSIONS_BUCKET } from "./names.ts";

/** Seconds by which the clocks of a machine and of the server may differ without a word. */
const MOST_SECONDS = 60;

/**
 * Returns a line about the clock of this machine where it differs from the server's. Leases and
 * ages go by the server's clock alone, so that only the times in logs are wrong.
 */
export async function clockNotice(cluster: Cluster): Promise<string | undefined> {
  const { streams } = cluster.manager;
  const info = await insist(cluster, () => streams.info(`KV_${SESSIONS_BUCKET}`));
  const server = Date.parse((info as { readonly ts?: string }).ts ?? "");
  const seconds = Math.round((runtime.clock.unixMillis() - server) / 1000);
  if (!(Math.abs(seconds) > MOST_SECONDS)) return undefined;
  const which = seconds > 0 ? "ahead of" : "behind";
  return `The clock of this machine is ${
    Math.abs(seconds)
  } seconds ${which} that of the cluster's server: times in its logs differ, and nothing else`;
}
