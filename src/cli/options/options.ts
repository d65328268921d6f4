import { errorMessage } from "../../base/errors.ts";
import { DEFAULT_TIMEOUTS, MOST_HEARTBEAT_SECONDS, type Timeouts } from "../../net/timeouts.ts";
import { useKernelBuild } from "../../params/kernels.ts";
import type { OptimizerName, TrainSettings } from "../../plan/settings.ts";
import { parseSelection, SELECTION_NAMES } from "../../round/selection/registry.ts";
import type { ClientSelection } from "../../round/selection/selection.ts";
import type { AsyncStrategy } from "../../strategy/asynchronous/async_strategy.ts";
import {
  ASYNC_STRATEGY_NAMES,
  parseAsyncStrategy,
  parseStrategy,
  STRATEGY_NAMES,
} from "../../strategy/registry.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import type { BackendChoice, EngineChoice } from "../../train/engine_choice.ts";
import { type Command, InvalidArgumentError, Option } from "../deps.ts";

/** A mistake in how a command was called: exit status 2. */
export class UsageError extends Error {}

/** Reads a whole number in a range. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`Expected a whole number ${range}.`);
    }
    return value;
  };
}

/** Reads a number in a range whose lower end may be left out of it. */
export function real(
  range: { above?: number; least?: number; below?: number; most?: number },
): (text: string) => number {
  const { above, least, below, most } = range;
  return (text) => {
    const value = Number(text);
    const inside = text.trim() !== "" && Number.isFinite(value) &&
      !(above !== undefined && value <= above) &&
      !(least !== undefined && value < least) && !(below !== undefined && value >= below) &&
      !(most !== undefined && value > most);
    if (inside) return value;
    const words = [
      ...(above === undefined ? [] : [`above ${above}`]),
      ...(least === undefined ? [] : [`from ${least}`]),
      ...(below === undefined ? [] : [`below ${below}`]),
      ...(most === undefined ? [] : [`up to ${most}`]),
    ];
    throw new InvalidArgumentError(`Expected a number ${words.join(" and ")}.`);
  };
}

/** Time-outs as options. */
export interface TimeoutFlags {
  joinSeconds?: number;
  roundSeconds?: number;
  heartbeatSeconds?: number;
  drainSeconds?: number;
  idleSeconds?: number;
}

const TIMEOUT_HELP: Readonly<Record<keyof Timeouts, string>> = {
  joinSeconds: "for the group to fill, or the server to be reached",
  roundSeconds: "for a round's answers",
  heartbeatSeconds: "between signs of life on an idle connection",
  drainSeconds: "for the others to take their leave at the end",
  idleSeconds: "for the run to get on while this client waits for it",
};

/** Adds time-outs to a command. */
export function withTimeouts(command: Command, names: readonly (keyof Timeouts)[]): Command {
  for (const name of names) {
    const flag = `--${name.replace("Seconds", "-seconds")} <seconds>`;
    command.option(
      flag,
      `${TIMEOUT_HELP[name]} (default: ${DEFAULT_TIMEOUTS[name]})`,
      name === "heartbeatSeconds"
        ? real({ above: 0, most: MOST_HEARTBEAT_SECONDS })
        : real({ above: 0, below: 2_000_000 }),
    );
  }
  return command;
}

/** The time-outs among a command's options. */
export function timeoutsFrom(flags: TimeoutFlags): Partial<Timeouts> {
  const { joinSeconds, roundSeconds, heartbeatSeconds, drainSeconds, idleSeconds } = flags;
  return {
    ...(joinSeconds !== undefined && { joinSeconds }),
    ...(roundSeconds !== undefined && { roundSeconds }),
    ...(heartbeatSeconds !== undefined && { heartbeatSeconds }),
    ...(drainSeconds !== undefined && { drainSeconds }),
    ...(idleSeconds !== undefined && { idleSeconds }),
  };
}

/** Options of local training. */
export interface TrainFlags {
  epochs: number;
  batchSize: number;
  lr: number;
  momentum: number;
  weightDecay: number;
  keepMomentum: boolean;
  // A run that began before there were these options goes on without them.
  optimizer?: OptimizerName;
  nesterov?: boolean;
  proximal?: number;
}

/** Adds the options of local training, with the command's own defaults. */
export function withTraining(command: Command, defaults: { epochs: number; lr: number }): Command {
  return command
    .option("--epochs <n>", "local epochs E", whole(1, 0xFFFF_FFFF), defaults.epochs)
    .option(
      "--batch-size <n>",
      "samples a step B, 0 for all of a client's data",
      whole(0, 0xFFFF_FFFF),
      10,
    )
    .option("--lr <x>", "learning rate", real({ above: 0 }), defaults.lr)
    .option("--momentum <x>", "momentum of SGD", real({ least: 0, below: 1 }), 0)
    .option("--nesterov", "Nesterov's momentum", false)
    .addOption(
      choice("--optimizer <name>", "sgd, or adam, without momentum", ["sgd", "adam"], "sgd"),
    )
    .option("--weight-decay <x>", "L2 penalty", real({ least: 0 }), 0)
    .option("--proximal <x>", "pull to the round's first weights (FedProx)", real({ least: 0 }), 0)
    .option("--keep-momentum", "let momentum, or adam's moments, live on between rounds", false);
}

/** The plan among a command's options. Throws a `UsageError` for options that do not go together. */
export function planFrom(
  { lr, optimizer = "sgd", nesterov = false, proximal = 0, ...flags }: TrainFlags,
): TrainSettings {
  const { epochs, batchSize, momentum, weightDecay, keepMomentum } = flags;
  if (optimizer === "adam" && momentum > 0) {
    throw new UsageError("expected no --momentum with --optimizer adam");
  }
  if (nesterov && momentum === 0) throw new UsageError("expected --momentum with --nesterov");
  return {
    ...{ epochs, batchSize, learningRate: lr, momentum, weightDecay, keepMomentum },
    // What is not asked for is left out: a client that does not know it reads the plan all the same.
    ...optimizer !== "sgd" && { optimizer },
    ...nesterov && { nesterov },
    ...proximal > 0 && { proximal },
  };
}

/** Checks that a text can be read; it stays a text, which a checkpoint's notes can hold. */
export function readable(read: (text: string) => unknown): (text: string) => string {
  return (text) => {
    try {
      read(text);
    } catch (error) {
      throw new InvalidArgumentError(`${errorMessage(error)}.`);
    }
    return text;
  };
}

/**
 * Reads the name of a log file, which is no path: the log has a folder of its own. Throws
 * commander's error for one.
 */
export function logName(text: string): string {
  if (!isLogName(text)) {
    throw new InvalidArgumentError("Expected a name without path separators.");
  }
  return text;
}

/** Returns true if a text is the name of a file rather than a path. */
export function isLogName(text: string): boolean {
  return !/[\\/\0]/.test(text);
}

/** How the server aggregates, as an option. */
export interface StrategyFlags {
  strategy?: string;
}

/** Whether the text names an asynchronous strategy. */
function isAsyncStrategy(text: string): boolean {
  return ASYNC_STRATEGY_NAMES.includes(text.split(":")[0]?.trim() ?? "");
}

/** Adds the strategy to a command, where that is so with the asynchronous ones. */
export function withStrategy(
  command: Command,
  { takesAsync = false }: { takesAsync?: boolean } = {},
): Command {
  return command.option(
    "--strategy <name>",
    `how updates are aggregated: ${
      STRATEGY_NAMES.join(", ")
    }; with options as in fedadam:lr=0.1,tau=0.001 (default: fedavg)${
      takesAsync ? `; with --mode async ${ASYNC_STRATEGY_NAMES.join(", ")} (default: fedasync)` : ""
    }`,
    readable((text) =>
      takesAsync && isAsyncStrategy(text) ? parseAsyncStrategy(text) : parseStrategy(text)
    ),
  );
}

/** The strategy among a command's options. Throws a `UsageError` for an asynchronous one. */
export function strategyFrom({ strategy = "fedavg" }: StrategyFlags): Strategy {
  if (isAsyncStrategy(strategy)) {
    throw new UsageError(`expected --mode async with --strategy ${strategy}`);
  }
  return parseStrategy(strategy);
}

/** The asynchronous strategy among a command's options. Throws a `UsageError` for another one. */
export function asyncStrategyFrom({ strategy = "fedasync" }: StrategyFlags): AsyncStrategy {
  if (!isAsyncStrategy(strategy)) {
    throw new UsageError(
      `expected --strategy ${ASYNC_STRATEGY_NAMES.join(" or ")} with --mode async, got ${strategy}`,
    );
  }
  return parseAsyncStrategy(strategy);
}

/** Which clients a round takes, as an option. */
export interface SelectionFlags {
  selection?: string;
}

/** Adds the selection of clients to a command. */
export function withSelection(command: Command): Command {
  return command.option(
    "--selection <name>",
    `which clients a round takes: ${
      SELECTION_NAMES.join(", ")
    }; with options as in power-of-choice:d=20 (default: uniform)`,
    readable(parseSelection),
  );
}

/** The selection of clients among a command's options. */
export function selectionFrom({ selection = "uniform" }: SelectionFlags): ClientSelection {
  return parseSelection(selection);
}

/** What computes, as options. */
export interface EngineFlags {
  engine: EngineChoice;
  backend: BackendChoice;
  strictDeterminism: boolean;
}

/** Adds what computes to a command. */
export function withEngine(command: Command): Command {
  return command
    .addOption(
      choice(
        "--engine <name>",
        "what computes: native, our own kernels; tfjs; or auto, native where it runs the model",
        ["auto", "native", "tfjs"],
        "auto",
      ),
    )
    .addOption(choice("--backend <name>", "where tfjs computes", ["auto", "wasm", "cpu"], "auto"))
    .option(
      "--strict-determinism",
      "kernels that round alike on every machine, somewhat slower",
      false,
    );
}

/** What computes among a command's options, in a form that can be posted to a worker. */
export function engineFrom({ engine, backend, strictDeterminism }: EngineFlags): EngineFlags {
  return { engine, backend, strictDeterminism };
}

/** Chooses the kernels of this isolate; called before any of its vectors are made. */
export function chooseKernels({ strictDeterminism }: EngineFlags): void {
  if (strictDeterminism) useKernelBuild("simd128");
}

/** The flag of an option by its name: `--over-select` of `overSelect`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A choice among words. */
export function choice(
  flags: string,
  help: string,
  words: readonly string[],
  fallback?: string,
): Option {
  const option = new Option(flags, help).choices(words);
  return fallback === undefined ? option : option.default(fallback);
}

/** `--json`, `--seed` and `--verbose`, which every command has. */
export function withCommon(command: Command, seedHelp: string, seed = 0): Command {
  return command
    .option("--seed <n>", seedHelp, whole(0, 0xFFFF_FFFF), seed)
    .option("--json <file>", "write a machine-readable report, - for standard output")
    .option("--verbose", "show the stack of an error", false);
}
