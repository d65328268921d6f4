/** This process, its streams and permissions, and processes that it starts. */
export interface Process {
  /** Number of this process. */
  readonly pid: number;
  /** Operating system, such as `"windows"`; `undefined` in a browser. */
  readonly os: string | undefined;
  /** Version of Deno, such as `"2.9.6"`. */
  readonly version: string;
  /** Arguments of the program. */
  readonly args: readonly string[];
  /** Environment variables. */
  readonly env: Pick<Deno.Env, "get">;
  /** Permissions. */
  readonly permissions: Pick<Deno.Permissions, "query" | "querySync" | "request">;
  /** Standard input. */
  readonly stdin: typeof Deno.stdin;
  /** Standard output. */
  readonly stdout: typeof Deno.stdout;
  /** Standard error. */
  readonly stderr: typeof Deno.stderr;
  /** Is true if the user wants no colours, by the variable `NO_COLOR`. */
  readonly noColor: boolean;
  /** Size of the terminal in characters; throws where no stream is one. */
  terminalSize(): { readonly columns: number; readonly rows: number };
  /** Path of the runtime's executable. */
  execPath(): string;
  /** Ends the process with a status. */
  exit(status?: number): never;
  /** Calls a function for each signal of a kind. */
  addSignalListener(signal: Deno.Signal, listener: () => void): void;
  /** Stops the calls of {@linkcode Process.addSignalListener}. */
  removeSignalListener(signal: Deno.Signal, listener: () => void): void;
  /** Prepares to start another process. */
  command(program: string | URL, options?: Deno.CommandOptions): Deno.Command;
  /** Describes the memory of the machine. */
  memory(): Deno.SystemMemoryInfo;
  /** Describes the memory of this process. */
  memoryUsage(): Deno.MemoryUsage;
  /** Formats a value for people to read. */
  inspect(value: unknown): string;
}

/** This process. In a browser, each member but `os` throws a `ReferenceError`. */
export const systemProcess: Process = {
  get pid() {
    return Deno.pid;
  },
  get os() {
    return globalThis.Deno?.build.os;
  },
  get version() {
    return Deno.version.deno;
  },
  get args() {
    return Deno.args;
  },
  get env() {
    return Deno.env;
  },
  get permissions() {
    return Deno.permissions;
  },
  get stdin() {
    return Deno.stdin;
  },
  get stdout() {
    return Deno.stdout;
  },
  get stderr() {
    return Deno.stderr;
  },
  get noColor() {
    return Deno.noColor;
  },
  terminalSize: () => Deno.consoleSize(),
  execPath: () => Deno.execPath(),
  exit: (status) => Deno.exit(status),
  addSignalListener: (signal, listener) => Deno.addSignalListener(signal, listener),
  removeSignalListener: (signal, listener) => Deno.removeSignalListener(signal, listener),
  command: (program, options) => new Deno.Command(program, options),
  memory: () => Deno.systemMemoryInfo(),
  memoryUsage: () => Deno.memoryUsage(),
  inspect: (value) => Deno.inspect(value),
};
