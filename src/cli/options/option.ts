import type { ClientTopologyOptions } from "../../client/options.ts";
import type { TableDataOptions, TextDataOptions } from "../../data/catalog/options.ts";
import type { Timeouts } from "../../net/timeouts.ts";
import type {
  ServerHandlerOptions,
  SyncParameterServerHandlerOptions,
} from "../../round/handler/options.ts";
import type { ServerAsyncOptions } from "../../server/asynchronous/async_options.ts";
import type { ServerTopologyOptions } from "../../server/options.ts";
import type { PeerLimits } from "../../server/sessions/peer_limits.ts";
import type { SimulationOptions } from "../../sim/options.ts";
import type { BackendChoice, EngineChoice } from "../../train/engine_choice.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { AgreementMode } from "../../wire/messages.ts";
import type { ValueType } from "./values.ts";

/** Mistake in how a command was called; the command ends with status 2. */
export class UsageError extends Error {}

/** Name of a command. */
export type CommandName =
  | "demo"
  | "server"
  | "client"
  | "simulate"
  | "worker"
  | "reproduce"
  | "partition"
  | "schema"
  | "stats"
  | "plot"
  | "keygen"
  | "predict"
  | "evaluate"
  | "export"
  | "generate"
  | "dashboard"
  | "runs"
  | "cluster-config"
  | "doctor"
  | "new"
  | "completions";

/** Heading under which the help shows an option. */
export type Group =
  | "Model"
  | "Joining"
  | "Cluster"
  | "Training"
  | "Strategy"
  | "Data"
  | "Security"
  | "Output"
  | "Options file"
  | "Time-outs";

/** Choice of the engine and of its kernels. */
export interface EngineOptions {
  /** The engine that trains and evaluates. */
  engine: EngineChoice;
  /** The backend of TensorFlow.js. */
  backend: BackendChoice;
  /** Use of the kernels that round identically on every machine. */
  strictDeterminism: boolean;
}

/** Options of the library that command options set, by the object that takes them. */
export interface Library {
  /** Local training. */
  plan: TrainSettings;
  /** The engine of a server or client. */
  engine: EngineOptions;
  /** A server's handler, whatever the mode. */
  handler: Pick<
    ServerHandlerOptions,
    "updateBound" | "stagingBuffers" | "uplink" | "downlink" | "secureAggregation"
  >;
  /** A synchronous handler: which clients a round has. */
  cohort: Pick<
    SyncParameterServerHandlerOptions,
    "fraction" | "overSelection" | "selection" | "aggregation"
  >;
  /** A server, whatever the mode. */
  server: Omit<ServerTopologyOptions, "rounds" | "quorum" | "roundTries">;
  /** The rounds of a synchronous server or a simulation. */
  rounds: Pick<ServerTopologyOptions, "rounds" | "quorum" | "roundTries">;
  /** The versions of an asynchronous server. */
  versions: Pick<ServerAsyncOptions, "versions" | "concurrency" | "evaluateEvery">;
  /** A simulation. */
  simulation: SimulationOptions;
  /** A client. */
  client: ClientTopologyOptions;
  /** The reader of tables. */
  table: TableDataOptions;
  /** The reader of texts. */
  texts: TextDataOptions;
  /** Time-outs of a server or client. */
  timeouts: Timeouts;
  /** Limits on the peers of a server. */
  limits: PeerLimits;
}

/**
 * Kind of a path. Commands check before they begin that they can write each `output` and that it
 * is not one of their inputs. A resumed run writes no output outside its folder unless the option
 * is given again.
 */
export type PathKind = "input" | "input-folder" | "output" | "output-folder";

/** Function from an option's value to options of the library. */
type Setter<T, Options> = { set(value: T): Partial<Options> }["set"];

/** Properties of an option that can differ between commands. */
export interface OptionUse<T> {
  /** Text of the help. */
  readonly help?: string;
  /** Placeholder of the value, such as `<n>`; a switch has none. */
  readonly value?: string;
  /** Type of the values. */
  readonly type?: ValueType<T>;
  /** Value where the option is not given. */
  readonly default?: NoInfer<T>;
  /** Description of the default for the help, where there is no default value. */
  readonly defaultText?: string;
  /** Is true for an option that the command needs. */
  readonly isRequired?: boolean;
  /** Is true for an option that only `--help --all` shows. */
  readonly isRare?: boolean;
  /** Kind of the path that the value is. */
  readonly path?: PathKind;
  /** Heading in the help. */
  readonly group?: Group;
}

/** Everything about one option of the command line. */
export interface OptionSpec<T> extends OptionUse<T> {
  readonly help: string;
  /** Unit of the value; the help shows it as the placeholder. */
  readonly unit?: string;
  readonly group: Group;
  /** Another spelling that stays. */
  readonly alsoCalled?: string;
  /** Spelling of an earlier version, which still works with a warning. */
  readonly formerly?: string;
  /** The commands that have the option, with what differs there. */
  readonly commands: { readonly [Name in CommandName]?: OptionUse<T> };
  /** Example of several values at once, of an option that may not be given twice. */
  readonly once?: string;
  /** Mode of the server to which the option belongs. Default: both. */
  readonly mode?: AgreementMode;
  /**
   * Values that `--resume` accepts: the one that the run began with (`same`), any (`any`), or no
   * smaller one (`grow`).
   *
   * @default "same"
   */
  readonly onResume?: "same" | "any" | "grow";
  /** Value that a run began with where the option was not given and has no default. */
  readonly implied?: NoInfer<T>;
  /** Is true for a value that a resumed run prints when it comes from the run's folder. */
  readonly isAnnounced?: boolean;
  /** Tells whether a value is a path, for an option that takes names too. */
  isPath?(value: string): boolean;
  /** Divides a value that is several paths. Default: the value is one path. */
  pathsOf?(value: string): string[];
  /** Options of the library that the option sets. */
  readonly library?: { readonly [Name in keyof Library]?: Setter<T, Library[Name]> };
}

/** Option with the type of its values. */
export type Option<T, Spec> = Spec & { readonly type: ValueType<T> };

/** Defines an option. */
export function option<T, const Spec extends OptionSpec<T>>(
  type: ValueType<T>,
  spec: Spec,
): Option<T, Spec> {
  return { ...spec, type };
}

/** Spells the flag of an option by its name: `--over-select` for `overSelect`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

type UseIn<Spec, Name extends CommandName> = Spec extends
  { commands: { [N in Name]: infer Use extends object } } ? Use : never;

type ValueIn<Spec, Name extends CommandName> = UseIn<Spec, Name> extends
  { type: ValueType<infer T> } ? T : Spec extends { type: ValueType<infer T> } ? T : never;

type IsAlwaysThere<Spec, Name extends CommandName> = UseIn<Spec, Name> extends
  { default: unknown } | { isRequired: true } ? true
  : Spec extends { default: unknown } ? true
  : false;

/** Values of the options in a table that a command has. */
export type FlagsIn<Table, Name extends CommandName> =
  & {
    -readonly [
      Key in keyof Table as [UseIn<Table[Key], Name>] extends [never] ? never
        : IsAlwaysThere<Table[Key], Name> extends true ? Key
        : never
    ]: ValueIn<Table[Key], Name>;
  }
  & {
    -readonly [
      Key in keyof Table as [UseIn<Table[Key], Name>] extends [never] ? never
        : IsAlwaysThere<Table[Key], Name> extends true ? never
        : Key
    ]?: ValueIn<Table[Key], Name>;
  };
