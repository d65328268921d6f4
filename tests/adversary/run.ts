import {
  CheckpointStore,
  ClientAsyncTop,
  ClientSyncTop,
  type Logger,
  type ParameterVector,
  parseAsyncStrategy,
  parseStrategy,
  type RunReport,
  ServerAsyncTop,
  type ServerEvent,
  ServerSyncTop,
} from "../../mod.ts";
import { freePort } from "../helpers/free_port.ts";
import { CrashableTransport } from "./crashable.ts";
import { HonestHandler, lossOf, manifestOf } from "./honest.ts";
import { Judge, roundLimitSeconds } from "./judge.ts";
import type { LagWatch } from "./lag.ts";
import { ASYNC_TRAIN_MILLIS, Member } from "./member.ts";
import { AsyncRecorder, SyncRecorder } from "./recorder.ts";
import type { Violation } from "./violation.ts";
import { Choices, type Script, type Trace } from "./choices.ts";
import { honestRanks, isAsync, isReachable, type Settings, strategyText } from "./settings.ts";

const JOIN_SECONDS = 10;
const DRAIN_SECONDS = 0.5;
/** Versions of the model in the place of a round. */
const VERSIONS_PER_ROUND = 5;
/** A client looks for its server so long, also for one that was started again. */
const CLIENT_JOIN_SECONDS = 20;
/** What a run may take besides its rounds: to gather, to be started again, to take leave. */
const BESIDES_SECONDS = 4 * JOIN_SECONDS + 10;
/** An honest client is gone so long after the server's end. */
const END_SECONDS = 10;
/** By then what a client sent has been taken in, or refused. */
const NAMED_MILLIS = 500;
/** A round's share of the server's log: for the round, and for each client. */
const LOG_BYTES = { round: 4000, client: 1500 };
/** A round's share of a client's log. */
const CLIENT_LOG_BYTES = 2000;
/**
 * What a checkpoint may hold besides vectors: to begin with, for a round, and for each client in
 * it.
 */
const CHECKPOINT_BYTES = { base: 32_768, round: 700, client: 450 };
/** The model itself, and what a strategy keeps beside it. */
const MOST_VECTORS = 8;
/**
 * Characters that must not reach a log: controls, line separators, and those that turn the
 * direction of writing.
 */
// deno-lint-ignore no-control-regex
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Ends by which a run may stop short, and when. */
const ALLOWED_ENDS: readonly {
  readonly reason: string;
  allows(settings: Settings, message: string): boolean;
}[] = [
  {
    reason: "the honest clients alone are fewer than the quorum, or than the strategy needs",
    allows: (settings) => !isReachable(settings),
  },
];

/** How a run is made. */
export interface RunOptions {
  readonly lag: LagWatch;
  readonly trace?: Trace | undefined;
  readonly script?: Script | undefined;
  /** Told of each line of the server's log. */
  readonly onLog?: (line: string) => void;
}

/** What came of a run. */
export interface Outcome {
  readonly settings: Settings;
  readonly violations: readonly Violation[];
  readonly trace: Trace;
  readonly rounds: number;
  readonly seconds: number;
  /** How late this process's timers were at most. */
  readonly lagMillis: number;
  /** The report, as far as it came. */
  readonly report: RunReport | undefined;
}

/** Counts what is logged. */
class LogMeter {
  bytes = 0;
  unfit: string | undefined;
  readonly logger: Logger;

  constructor(onLine?: (line: string) => void) {
    const line = (text: string) => {
      this.bytes += text.length + 60;
      if (UNFIT.test(text)) this.unfit ??= text;
      onLine?.(text);
    };
    this.logger = { debug() {}, info: line, warn: line, error: line };
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** An honest client's fate. */
interface Fate {
  readonly rank: number;
  readonly log: LogMeter;
  readonly ended: Promise<void>;
  trained: number;
  endedAt?: number;
  error?: unknown;
}

let runs = 0;

/**
 * Runs a server, its honest clients and its hostile members to the end of all, and says which rules
 * were broken.
 */
export async function run(settings: Settings, options: RunOptions): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "adversary-" });
  try {
    return await new AdversaryRun(settings, options, folder).run();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

class AdversaryRun {
  readonly #settings: Settings;
  readonly #options: RunOptions;
  readonly #choices: Choices;
  readonly #manifest;
  readonly #store: CheckpointStore;
  readonly #warnings: string[] = [];
  readonly #log: LogMeter;
  readonly #stop = new AbortController();
  readonly #violations: Violation[] = [];
  readonly #fates: Fate[] = [];
  readonly #members: Member[] = [];
  readonly #living: Promise<void>[] = [];
  readonly #asyncDifferences: string[] = [];
  #judge: Judge | undefined;
  #address: string;
  #serverEndedAt = Infinity;
  #rounds = 0;

  constructor(settings: Settings, options: RunOptions, folder: string) {
    this.#settings = settings;
    this.#options = options;
    this.#choices = new Choices(settings.seed, {
      ...(options.trace && { trace: options.trace }),
      ...(options.script && { script: options.script }),
    });
    this.#manifest = manifestOf(settings.length);
    this.#store = new CheckpointStore(folder, { onWarning: (text) => this.#warnings.push(text) });
    this.#log = new LogMeter(options.onLog);
    this.#address = {
      tcp: `127.0.0.1:${freePort()}`,
      websocket: `ws://127.0.0.1:${freePort()}/federation`,
      memory: `adversary-${runs++}`,
    }[settings.transport];
  }

  async run(): Promise<Outcome> {
    const settings = this.#settings;
    using lag = this.#options.lag.watch();
    const began = performance.now();
    const roundSeconds = roundLimitSeconds(settings, 3);
    const limitSeconds = settings.rounds * roundSeconds + BESIDES_SECONDS;
    const timer = setTimeout(() => {
      this.#add("g", `the run is not over after ${limitSeconds.toFixed(0)} s, and was stopped`);
      this.#stop.abort(new Error("the tester stopped it"));
    }, limitSeconds * 1000);
    let report: RunReport | undefined, error: unknown;
    try {
      report = await this.#serve(lag);
    } catch (cause) {
      error = cause;
    }
    this.#serverEndedAt = performance.now();
    clearTimeout(timer);
    await this.#farewell();
    this.#checkEnd(error);
    this.#checkClients(error);
    this.#checkLogs();
    await this.#checkCheckpoint(error);
    if (report !== undefined && isAsync(settings)) this.#checkAsync(report);
    return {
      settings,
      violations: [...this.#violations, ...this.#judge?.violations ?? []],
      trace: this.#choices.trace,
      rounds: this.#rounds,
      seconds: (performance.now() - began) / 1000,
      lagMillis: lag.millis,
      report,
    };
  }

  /** Rounds of the run, or versions of its model. */
  get #wantedRounds(): number {
    return this.#settings.rounds * (isAsync(this.#settings) ? VERSIONS_PER_ROUND : 1);
  }

  #add(invariant: Violation["invariant"], text: string): void {
    this.#violations.push({ invariant, text });
  }

  /** The server's life, or its two lives. */
  async #serve(lag: { readonly millis: number }): Promise<RunReport> {
    const { restartAfter } = this.#settings;
    const transport = new CrashableTransport(this.#settings.transport);
    const crash = new AbortController();
    const running = this.#server(transport, AbortSignal.any([crash.signal, this.#stop.signal]), {
      lag,
      onCheckpoint: (round) => {
        if (round !== restartAfter) return;
        transport.crash();
        crash.abort(new Error("the server has died"));
      },
    });
    try {
      return await running;
    } catch (error) {
      if (!crash.signal.aborted || this.#stop.signal.aborted) throw error;
    }
    const again = new CrashableTransport(this.#settings.transport);
    return await this.#server(again, this.#stop.signal, { lag, isResumed: true });
  }

  async #server(
    transport: CrashableTransport,
    signal: AbortSignal,
    { lag, onCheckpoint, isResumed = false }: {
      lag: { readonly millis: number };
      onCheckpoint?: (round: number) => void;
      isResumed?: boolean;
    },
  ): Promise<RunReport> {
    const settings = this.#settings;
    const { clients, quorum, roundSeconds, heartbeatSeconds } = settings;
    const rounds = this.#wantedRounds;
    const resume = isResumed ? await this.#store.latest() : undefined;
    const handler = this.#handler();
    const onEvent = (event: ServerEvent) => {
      if (event.type === "listening") {
        this.#address = event.address;
        if (!isResumed) this.#startClients(handler.parameters);
      } else if (event.type === "round-ended") {
        this.#rounds = event.report.round;
        const taken = handler instanceof SyncRecorder ? handler.taken : new Map();
        this.#judge?.judge(event.report, handler.parameters, taken, lag.millis / 1000);
      } else if (event.type === "checkpoint") onCheckpoint?.(event.round);
    };
    const options = {
      listen: this.#address,
      worldSize: clients + 1,
      minClients: honestRanks(settings).length,
      distBackend: transport,
      checkpoints: this.#store,
      ...(resume && { resume }),
      logger: this.#log.logger,
      limits: { arrivalsPerSecond: 10_000, arrivalsAtOnce: 10_000 },
      timeouts: {
        joinSeconds: JOIN_SECONDS,
        drainSeconds: DRAIN_SECONDS,
        roundSeconds,
        heartbeatSeconds,
      },
      onEvent,
    };
    const { concurrency } = settings;
    const server = handler instanceof SyncRecorder
      ? new ServerSyncTop(handler, { ...options, rounds, quorum })
      : new ServerAsyncTop(handler, { ...options, versions: rounds, concurrency });
    return await server.run({ signal });
  }

  #handler(): SyncRecorder | AsyncRecorder {
    const settings = this.#settings;
    const { seed, fraction, overSelection, stagingBuffers, evaluates, length } = settings;
    const { aggregation } = settings;
    const common = {
      manifest: this.#manifest,
      parameters: new Float32Array(length).map((_, i) => (i % 7) / 7),
      seed,
      stagingBuffers,
      aggregation,
      ...(evaluates === "server" && {
        evaluator: (parameters: ParameterVector) =>
          Promise.resolve({ numSamples: 1, loss: lossOf(parameters) }),
      }),
    };
    if (!isAsync(settings)) {
      const strategy = parseStrategy(strategyText(settings));
      return new SyncRecorder({ ...common, strategy, fraction, overSelection });
    }
    const handler = new AsyncRecorder({
      ...common,
      strategy: parseAsyncStrategy(strategyText(settings)),
    });
    handler.honest = new Set(honestRanks(settings));
    handler.differences = this.#asyncDifferences;
    return handler;
  }

  #startClients(initial: Float32Array<ArrayBuffer>): void {
    const settings = this.#settings;
    const { transport: name, heartbeatSeconds } = settings;
    for (const rank of settings.hostile) {
      const choices = this.#choices, address = this.#address;
      const transport = new CrashableTransport(name);
      this.#members.push(new Member({ rank, settings, choices, transport, address }));
    }
    this.#judge = new Judge(settings, initial, this.#members);
    for (const member of this.#members) this.#living.push(member.run());
    const Client = isAsync(settings) ? ClientAsyncTop : ClientSyncTop;
    // Without rounds the run would be over before the members had their say.
    const seconds = isAsync(settings) ? ASYNC_TRAIN_MILLIS / 1000 : 0;
    const handlerOf = (rank: number) => new HonestHandler(this.#manifest, rank, seconds);
    for (const rank of honestRanks(settings)) {
      const log = new LogMeter();
      const client = new Client(handlerOf(rank), {
        serverAddr: this.#address,
        rank,
        distBackend: name,
        logger: log.logger,
        timeouts: {
          joinSeconds: CLIENT_JOIN_SECONDS,
          drainSeconds: DRAIN_SECONDS,
          heartbeatSeconds,
        },
        onEvent: ({ type }) => {
          if (type === "trained") fate.trained++;
        },
      });
      const ended = client.run({ signal: this.#stop.signal }).then(
        () => void (fate.endedAt = performance.now()),
        (error) => {
          fate.endedAt = performance.now();
          fate.error = error;
        },
      );
      const fate: Fate = { rank, log, ended, trained: 0 };
      this.#fates.push(fate);
    }
  }

  /** Lets the honest clients end by themselves, then ends all. */
  async #farewell(): Promise<void> {
    const ended = Promise.all(this.#fates.map(({ ended }) => ended));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, END_SECONDS * 1000);
    await Promise.race([ended, late.promise]);
    clearTimeout(timer);
    for (const { rank, endedAt } of this.#fates) {
      if (endedAt !== undefined) continue;
      this.#add("b", `honest rank ${rank} is still there ${END_SECONDS} s after the server's end`);
    }
    for (const member of this.#members) member.stop();
    this.#stop.abort(new Error("the tester stopped it"));
    await Promise.all([ended, ...this.#living]);
    await pause(0);
  }

  #checkEnd(error: unknown): void {
    const rounds = this.#wantedRounds;
    if (error === undefined) {
      if (this.#rounds !== rounds) {
        this.#add("c", `the run ended after ${this.#rounds} of ${rounds} rounds`);
      }
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    if (ALLOWED_ENDS.some(({ allows }) => allows(this.#settings, message))) return;
    const next = this.#rounds + 1;
    this.#add(
      "c",
      `the run ended before round ${next} did: ${error} [${this.#judge?.actsOf(next)}]`,
    );
  }

  #checkClients(serverError: unknown): void {
    for (const { rank, error, endedAt = Infinity } of this.#fates) {
      if (error === undefined && endedAt < this.#serverEndedAt - 1000 * (DRAIN_SECONDS + 1)) {
        const early = ((this.#serverEndedAt - endedAt) / 1000).toFixed(1);
        this.#add("b", `honest rank ${rank} ended ${early} s before the server did`);
      }
      // Of a run that failed a client may say so.
      if (error === undefined || serverError !== undefined) continue;
      if (error instanceof Error && error.message === "the tester stopped it") continue;
      this.#add("b", `honest rank ${rank} ended by an error: ${error}`);
    }
  }

  #checkLogs(): void {
    const { clients } = this.#settings, rounds = this.#wantedRounds;
    const most = (rounds + 2) * (LOG_BYTES.round + clients * LOG_BYTES.client);
    if (this.#log.bytes > most) {
      this.#add(
        "e",
        `the server logged ${this.#log.bytes} bytes, expected at most ${most} [${this.#flooders()}]`,
      );
    }
    if (this.#log.unfit !== undefined) {
      this.#add(
        "e",
        `the server's log has control characters: ${JSON.stringify(this.#log.unfit.slice(0, 200))}`,
      );
    }
    for (const { rank, log: { bytes } } of this.#fates) {
      const most = (rounds + 2) * CLIENT_LOG_BYTES;
      if (bytes > most) {
        this.#add("e", `honest rank ${rank} logged ${bytes} bytes, expected at most ${most}`);
      }
    }
  }

  #flooders(): string {
    const acts = this.#members.flatMap(({ acts }) => acts);
    return acts.filter(({ choice }) => /flood|unasked|second|leave with/.test(choice.act)).map(
      ({ rank, round, choice: { act, count } }) =>
        `rank ${rank} in round ${round}: ${act} ${count}`,
    ).join("; ");
  }

  async #checkCheckpoint(error: unknown): Promise<void> {
    if (this.#rounds === 0) return;
    const kept = await new CheckpointStore(this.#store.folder, {
      onWarning: (text) => this.#warnings.push(text),
    }).latest();
    for (const warning of this.#warnings) this.#add("c", `a checkpoint is not whole: ${warning}`);
    if (kept?.round !== this.#rounds) {
      const after = error === undefined ? "" : `, after the error ${error}`;
      this.#add("c", `the newest checkpoint is of round ${kept?.round} of ${this.#rounds}${after}`);
    }
    if (kept === undefined) return;
    const { clients, length } = this.#settings;
    const { base, round, client } = CHECKPOINT_BYTES;
    const most = MOST_VECTORS * 4 * length + base + this.#rounds * (round + clients * client);
    let bytes = 0, path = "";
    for await (const { name } of Deno.readDir(this.#store.folder)) {
      const { size } = await Deno.stat(`${this.#store.folder}/${name}`);
      if (size > bytes) [bytes, path] = [size, name];
    }
    if (bytes > most) {
      this.#add(
        "e",
        `${path} has ${bytes} bytes after ${this.#rounds} rounds, expected at most ${most} [${this.#flooders()}]`,
      );
    }
  }

  #checkAsync(report: RunReport): void {
    for (const text of this.#asyncDifferences) this.#add("d", text);
    this.#judge?.judgeNames(report.rounds, this.#serverEndedAt - NAMED_MILLIS);
    // What was not kept when the server died is lost with it.
    if (this.#settings.restartAfter !== undefined) return;
    const counts = new Map<number, number>();
    for (const { cohort } of report.rounds) {
      for (const rank of cohort) counts.set(rank, (counts.get(rank) ?? 0) + 1);
    }
    for (const { rank, trained } of this.#fates) {
      // One may be on its way when the run ends, one more behind it.
      const lost = trained - (counts.get(rank) ?? 0) - 2;
      if (lost > 0) {
        this.#add("a", `honest rank ${rank} trained ${trained} times, ${lost + 2} did not count`);
      }
    }
  }
}
