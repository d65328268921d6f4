import type { CommandContext } from "../context.ts";
import type { Command } from "../deps.ts";
import type { Finding } from "../doctor/finding.ts";
import {
  checkClock,
  checkDeno,
  checkDescriptors,
  checkKernels,
  checkMemory,
  checkProcessors,
} from "../doctor/machine.ts";
import { checkData, checkPermissions, checkPort, checkReach, checkRuns } from "../doctor/place.ts";
import { makeCommand } from "../options/command.ts";
import type { Flags } from "../options/table.ts";
import { printerBeside, writeOutput } from "../output/write_output.ts";
import { toJson } from "../run/run_folder.ts";

/** `doctor`: what works on this machine, and what to do about the rest. */
export function doctorCommand(_context: CommandContext): Command {
  return makeCommand("doctor", {
    description: "Checks what works on this machine, and says what to do about the rest.",
    example: "deno task doctor --reach 192.0.2.1:9000",
  }).action(runDoctor);
}

async function runDoctor({ listen, reach, dataDir, json }: Flags<"doctor">): Promise<void> {
  const findings: Finding[] = [
    checkDeno(),
    checkKernels(),
    checkProcessors(),
    await checkMemory(),
    await checkDescriptors(),
    await checkClock(),
    await checkPermissions(),
    await checkRuns(),
    await checkData(dataDir),
    await checkPort(listen),
    ...(reach === undefined ? [] : [await checkReach(reach)]),
  ];
  if (json !== undefined) {
    await writeOutput(json, toJson({ schema: "fedlab.doctor/1", findings }));
  }
  printerBeside(json)(findings.map(lineOf).join("\n"));
  const problems = findings.filter(({ state }) => state === "problem");
  if (problems.length > 0) {
    throw new Error(
      `Not everything works here: ${problems.map(({ subject }) => subject).join(", ")}`,
    );
  }
}

function lineOf({ subject, state, found, advice }: Finding): string {
  const line = `${state.padEnd(8)} ${subject.padEnd(12)} ${found}`;
  return advice === undefined ? line : `${line}\n${" ".repeat(22)}${advice}`;
}
