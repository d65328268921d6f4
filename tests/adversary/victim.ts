import {
  ClientSyncTop,
  digits,
  type Logger,
  logisticRegression,
  NativeSGDHandler,
  Random,
} from "../../mod.ts";
import { pick } from "../fuzz/frames.ts";
import { isClear } from "./clear.ts";
import type { LagWatch } from "./lag.ts";
import { HonestHandler, manifestOf } from "./honest.ts";
import { BEATS_SECONDS, MaliciousServer, VICTIM_HEARTBEAT_SECONDS } from "./malicious_server.ts";
import type { Violation } from "./violation.ts";
import { Choices, type Script, type Trace } from "./choices.ts";
import type { TransportName } from "./settings.ts";

const JOIN_SECONDS = 1;
const DRAIN_SECONDS = 0.3;
const SLACK_SECONDS = 1;
/** As long as it waits for a run that does not get on. */
const IDLE = { idleSeconds: 2 };
/**
 * After the server's last word a client has to be gone: it notices by silence, looks for the
 * server, and takes its leave.
 */
const END_SECONDS = 6 * VICTIM_HEARTBEAT_SECONDS + JOIN_SECONDS + 3 * DRAIN_SECONDS + SLACK_SECONDS;
/**
 * What a client may log: on each connection, for each step of the server, for each of its rounds.
 */
const LOG_BYTES = { life: 8000, step: 2000, round: 300 };

const MODEL = logisticRegression({ inputShape: [8, 8, 1], numClasses: 10 });

/** What a run of a client with a malicious server is like. */
export interface VictimSettings {
  readonly seed: number;
  readonly transport: TransportName;
  readonly length: number;
  /** How often the server lets the client come back. */
  readonly lives: number;
  readonly steps: number;
  /** Whether the client builds the model that the server describes, or brings its own. */
  readonly builds: boolean;
}

/** What came of it. */
export interface VictimOutcome {
  readonly settings: VictimSettings;
  readonly violations: readonly Violation[];
  readonly trace: Trace;
  readonly seconds: number;
  readonly lagMillis: number;
  /** How the client ended. */
  readonly end: string;
}

/** What the run of a seed is like. */
export function drawVictimSettings(
  seed: number,
  given: Partial<Omit<VictimSettings, "seed">> = {},
): VictimSettings {
  const random = new Random(seed, "test", { rank: 1 });
  return {
    seed,
    transport: pick(random, ["tcp", "websocket", "memory"]),
    length: pick(random, [300, 20_000]),
    lives: 1 + random.below(3),
    steps: 4 + random.below(6),
    builds: random.below(6) === 0,
    ...given,
  };
}

let runs = 0;

/** Has a client talk to a malicious server, and says which rules were broken. */
export async function runVictim(
  settings: VictimSettings,
  { lag, trace, script }: {
    lag: LagWatch;
    trace?: Trace | undefined;
    script?: Script | undefined;
  },
): Promise<VictimOutcome> {
  const { seed, transport, length, lives, steps, builds } = settings;
  const began = performance.now();
  using late = lag.watch();
  const choices = new Choices(seed, { ...(trace && { trace }), ...(script && { script }) });
  const handler = builds
    ? new NativeSGDHandler({
      data: await digits(),
      rows: Uint32Array.from({ length: 20 }, (_, i) => i),
    })
    : new HonestHandler(manifestOf(length), 1);
  const model = builds ? MODEL : undefined;
  await handler.setUp(model);
  const { manifest } = handler;
  const violations: Violation[] = [];
  await using server = await MaliciousServer.start(
    { transport, choices, manifest, model, lives, steps },
    `malicious-${runs++}`,
  );
  const fault = (text: string) =>
    violations.push({ invariant: "h", text: `${text} [${server.acts.join("; ")}]` });
  let logged = 0;
  const line = (text: string) => void (logged += text.length + 60);
  const logger: Logger = { debug() {}, info: line, warn: line, error: line };
  const stop = new AbortController();
  const client = new ClientSyncTop(handler, {
    serverAddr: server.address,
    distBackend: transport,
    logger,
    credential: { kind: "token", token: "a token of some length" },
    timeouts: {
      joinSeconds: JOIN_SECONDS,
      drainSeconds: DRAIN_SECONDS,
      heartbeatSeconds: VICTIM_HEARTBEAT_SECONDS,
      ...IDLE,
    },
  });
  let end = "";
  const running = client.run({ signal: stop.signal }).then(
    () => {
      end = "well";
      if (!server.hasSaidExit) fault("the client ended well, though no Exit was sent");
    },
    (error) => {
      end = String(error).slice(0, 300);
      if (!stop.signal.aborted && !isClear(error)) fault(`the client ended by ${end}`);
    },
  );
  // A server that keeps the client waiting is not done until the client has gone; so long it may
  // take.
  const most = lives * (BEATS_SECONDS + JOIN_SECONDS + steps * 2.5);
  const isEnded = await raced(running, [server.done, pause(most * 1000, stop.signal)]);
  if (
    !isEnded && !await raced(running, [pause(END_SECONDS * 1000 + 2 * late.millis, stop.signal)])
  ) {
    fault(`the client is still there ${END_SECONDS.toFixed(1)} s after the server's last word`);
  }
  for (const act of server.borne) {
    fault(`the client bore it for ${BEATS_SECONDS} s that the server did nothing but ${act}`);
  }
  stop.abort(new Error("the tester stopped it"));
  await running;
  await handler[Symbol.asyncDispose]();
  const mostLog = lives * LOG_BYTES.life + server.acts.length * LOG_BYTES.step +
    server.rounds * LOG_BYTES.round;
  if (logged > mostLog) {
    violations.push({
      invariant: "e",
      text: `the client logged ${logged} bytes, expected at most ${mostLog} [${
        server.acts.join("; ")
      }]`,
    });
  }
  return {
    settings,
    violations,
    trace: choices.trace,
    seconds: (performance.now() - began) / 1000,
    lagMillis: late.millis,
    end,
  };
}

/** Whether the first promise resolves before any of the others. */
async function raced(first: Promise<void>, others: Promise<void>[]): Promise<boolean> {
  return await Promise.race([
    first.then(() => true),
    ...others.map((other) => other.then(() => false)),
  ]);
}

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, millis);
  const wake = () => resolve();
  signal.addEventListener("abort", wake, { once: true });
  await promise;
  signal.removeEventListener("abort", wake);
  clearTimeout(timer);
}
