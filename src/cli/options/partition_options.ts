import { parsePartition, PARTITION_USAGES } from "../../data/partition/partition.ts";
import { readable, real } from "./options.ts";
import { type Command, InvalidArgumentError } from "../deps.ts";

/** Reads `"2/5"`: the second of five parts. */
export function part(text: string): { index: number; parts: number } {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const index = Number(match?.[1]), parts = Number(match?.[2]);
  if (match === null || index < 1 || index > parts) {
    throw new InvalidArgumentError("Expected I/N, the I-th of N parts, such as 1/2.");
  }
  return { index, parts };
}

/** Adds `--partition` to a command. */
export function withPartition(command: Command, help: string): Command {
  return command.option(
    "--partition <spec>",
    `${help}: ${PARTITION_USAGES.join(", ")}`,
    readable(parsePartition),
    "iid",
  );
}

/** Adds `--hold-out` to a command. */
export function withHoldOut(command: Command, help: string): Command {
  return command.option("--hold-out <share>", help, real({ above: 0, below: 1 }));
}
