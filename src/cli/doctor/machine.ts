import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { VERSION } from "../../base/version.ts";
import { fold } from "../../params/operations.ts";
import { Kernels } from "../../params/kernels.ts";
import { mostDescriptors } from "../../server/run/descriptors.ts";
import { bytes } from "../../display/amounts.ts";
import type { Finding } from "./finding.ts";

/** Oldest version of Deno that runs this version of the package. */
const OLDEST_DENO = [2, 9] as const;

/** Memory in bytes below which large models and cohorts do not fit. */
const SMALL_MEMORY = 2 ** 31;

/** Number of file descriptors below which a server cannot have hundreds of clients. */
const FEW_DESCRIPTORS = 1024;

/** Time of day before this version was made, in milliseconds since 1970. */
const RELEASED = Date.UTC(2026, 0, 1);

/** Time in milliseconds over which the two clocks are compared, and the largest difference. */
const CLOCK_SPAN = 100, CLOCK_TOLERANCE = 50;

/** Checks the version of Deno. */
export function checkDeno(): Finding {
  const { version } = runtime.process;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < OLDEST_DENO[0] || (major === OLDEST_DENO[0] && minor < OLDEST_DENO[1]);
  return {
    subject: "Deno",
    state: isOld ? "problem" : "ok",
    found: `Deno ${version}, FedLab ${VERSION}`,
    ...(isOld && { advice: "update it: deno upgrade, or write npx -y deno@2.9.6" }),
  };
}

/** Checks that the kernels run here and compute what they should. */
export function checkKernels(): Finding {
  const subject = "kernels";
  try {
    const kernels = Kernels.create(2 ** 16);
    const sum = kernels.alloc(1000).fill(1);
    fold(sum, kernels.alloc(1000).fill(2), 0.5);
    const isRight = sum.every((value) => value === 2);
    return isRight
      ? { subject, state: "ok", found: `${kernels.build} kernels run in WebAssembly` }
      : {
        subject,
        state: "problem",
        found: `the ${kernels.build} kernels computed a wrong sum`,
        advice: "update Deno; if it stays, report the processor and this line",
      };
  } catch (error) {
    return {
      subject,
      state: "problem",
      found: errorMessage(error),
      advice: "allow WebAssembly: run Deno without --v8-flags that disable it",
    };
  }
}

/** Counts the processor's threads. */
export function checkProcessors(): Finding {
  const threads = runtime.workers.hardwareConcurrency;
  return {
    subject: "processors",
    state: "ok",
    found: `${threads} ${threads === 1 ? "thread" : "threads"} for workers`,
  };
}

/** Checks the memory of the machine, where that may be read. */
export async function checkMemory(): Promise<Finding> {
  const subject = "memory";
  const { state } = await runtime.process.permissions.query({
    name: "sys",
    kind: "systemMemoryInfo",
  });
  if (state !== "granted") {
    return {
      subject,
      state: "note",
      found: "not known",
      advice: "run Deno with --allow-sys=systemMemoryInfo to see it",
    };
  }
  const { total, available } = runtime.process.memory();
  const isSmall = available < SMALL_MEMORY;
  return {
    subject,
    state: isSmall ? "note" : "ok",
    found: `${bytes(available)} of ${bytes(total)} are available`,
    ...(isSmall && { advice: "use fewer workers (--workers) and smaller models" }),
  };
}

/** Checks how many files and sockets a process may have, where that is known. */
export async function checkDescriptors(): Promise<Finding> {
  const subject = "descriptors";
  const most = await mostDescriptors();
  if (most === undefined) {
    return { subject, state: "note", found: "the limit on files and sockets is not known" };
  }
  const isFew = most < FEW_DESCRIPTORS;
  return {
    subject,
    state: isFew ? "note" : "ok",
    found: `a process may have ${most} files and sockets`,
    ...(isFew && { advice: "a server needs one for each client: ulimit -n" }),
  };
}

/** Checks the time of day, and that time passes evenly. */
export async function checkClock(): Promise<Finding> {
  const subject = "clock";
  const { clock } = runtime;
  const wall = clock.unixMillis(), steady = clock.now();
  await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve, CLOCK_SPAN));
  const drift = Math.abs((clock.unixMillis() - wall) - (clock.now() - steady));
  const now = new Date(wall).toISOString();
  if (wall < RELEASED) {
    return {
      subject,
      state: "problem",
      found: `it is ${now}, before this version was made`,
      advice: "set the clock: certificates and the names of runs depend on it",
    };
  }
  const isUneven = drift > CLOCK_TOLERANCE;
  return {
    subject,
    state: isUneven ? "note" : "ok",
    found: isUneven
      ? `it is ${now}, and the clock was changed by ${Math.round(drift)} ms`
      : `it is ${now}`,
  };
}
