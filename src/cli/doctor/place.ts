import { isDenied } from "../../base/files/folder.ts";
import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { dataFolder } from "../../data/catalog/data_folder.ts";
import { NAMED_DATASETS } from "../../data/catalog/named.ts";
import { transportOf } from "../../net/backend.ts";
import { isWebSocketAddress } from "../../net/websocket/address.ts";
import { messageWithFlag } from "../options/permissions.ts";
import type { Finding } from "./finding.ts";

/** Folder in which commands make one for each run. */
const RUNS = "runs";

/** Time in milliseconds after which a server that does not answer is given up. */
const REACH_MILLIS = 5000;

/** Checks what Deno allows this process. */
export async function checkPermissions(): Promise<Finding> {
  const subject = "permissions";
  const kinds = ["net", "read", "write", "env", "run"] as const;
  const states = await Promise.all(
    kinds.map(async (name) => (await runtime.process.permissions.query({ name })).state),
  );
  const of = (wanted: (state: Deno.PermissionState) => boolean) =>
    kinds.filter((_, i) => wanted(states[i] ?? "denied")).join(", ") || "none";
  const all = of((state) => state === "granted");
  return {
    subject,
    state: "ok",
    found: `without limits: ${all}; limited or refused: ${of((state) => state !== "granted")}`,
  };
}

/** Checks that a run's folder can be made in the current folder. */
export async function checkRuns(): Promise<Finding> {
  const subject = "runs";
  try {
    await runtime.files.mkdir(RUNS, { recursive: true });
    const probe = `${RUNS}/.doctor-${runtime.process.pid}`;
    await runtime.files.writeTextFile(probe, "");
    await runtime.files.remove(probe);
    return { subject, state: "ok", found: `runs can be written to ${RUNS}` };
  } catch (error) {
    return {
      subject,
      state: "problem",
      found: messageWithFlag(error),
      advice: isDenied(error)
        ? "allow it, or name another folder (--out) and allow that"
        : "free the disk, or start in a folder that can be written",
    };
  }
}

/** Checks the folder of named data sets, and lists those that are in it. */
export async function checkData(given: string | undefined): Promise<Finding> {
  const subject = "data";
  try {
    const folder = dataFolder(given);
    const there: string[] = [];
    for (const name of NAMED_DATASETS.keys()) {
      const isThere = await runtime.files.stat(`${folder}/${name}`).then(
        () => true,
        (error) => {
          if (error instanceof runtime.errors.NotFound) return false;
          throw error;
        },
      );
      if (isThere) there.push(name);
    }
    const kept = there.length === 0 ? "no named data sets yet" : there.join(", ");
    return { subject, state: "ok", found: `${folder} has ${kept}; digits are bundled` };
  } catch (error) {
    return { subject, state: "note", found: messageWithFlag(error) };
  }
}

/** Checks that a server could listen on an address. */
export async function checkPort(address: string): Promise<Finding> {
  const subject = "port";
  try {
    (await transportFor(address).listen(address)).close();
    return { subject, state: "ok", found: `a server can listen on ${address}` };
  } catch (error) {
    return {
      subject,
      state: "problem",
      found: messageWithFlag(error),
      advice: "stop the process that has it, or choose another address (--listen)",
    };
  }
}

/** Checks that the server at an address accepts a connection. */
export async function checkReach(address: string): Promise<Finding> {
  const subject = "server";
  try {
    const signal = AbortSignal.timeout(REACH_MILLIS);
    const begun = runtime.clock.now();
    (await transportFor(address).connect(address, { signal })).close();
    const millis = Math.round(runtime.clock.now() - begun);
    return { subject, state: "ok", found: `${address} accepts a connection after ${millis} ms` };
  } catch (error) {
    const isSlow = error instanceof DOMException && error.name === "TimeoutError";
    return {
      subject,
      state: "problem",
      found: isSlow
        ? `${address} did not answer for ${REACH_MILLIS / 1000} s`
        : messageWithFlag(errorMessage(error)),
      advice: "check the address, the server's --listen, and the firewall between",
    };
  }
}

function transportFor(address: string) {
  return transportOf(isWebSocketAddress(address) ? "websocket" : "tcp");
}
