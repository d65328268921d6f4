/**
 * The server under attack, in a process of its own. It tells what happens in lines of JSON on
 * standard output; for each line on standard
 * input it tells its memory.
 */
import { type Logger, ServerSyncTop } from "../../mod.ts";
import {
  HONEST,
  type RunSettings,
  serverHandler,
  serverOptions,
  TOKEN,
  transportNamed,
} from "./run.ts";

/** Memory of the server's process in bytes, after a collection of garbage. */
export interface Memory {
  /** Resident. */
  readonly rss: number;
  /** Of objects that are alive. */
  readonly heapUsed: number;
}

/** What the server's process tells. */
export type ServerLine =
  | { readonly type: "listening"; readonly address: string }
  | ({ readonly type: "memory" } & Memory)
  /** A line of the log that tells of a fault of the server's own. */
  | { readonly type: "strange"; readonly text: string }
  | {
    readonly type: "finished";
    readonly modelDigest: string;
    readonly rounds: readonly {
      readonly received: number;
      readonly losses: readonly { readonly rank: number; readonly reason: string }[];
    }[];
  };

/** A run of more rounds than a test's. */
const LONG_ROUNDS = 100;
/** Honest clients of a small run. */
const MANY = 100;

function tell(line: ServerLine): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/**
 * What a peer can be refused or lost for; anything else that ends a session is a fault of ours. Who
 * takes its leave does so in its own words.
 * The log counts what is too much; of joined peers the events tell all.
 */
const KNOWN =
  /^(?:\d+ lines about peers were left out: |(?:\d+ more lines? about .+? in 60 s, the last: )?(?:Refused \d+ more connections?: expected at most |Lost rank \d+: |(?:Refused a client at \S+ \S+(?: rank \d+)?: |Lost the connection of rank \d+, which may come back: )?(?:Cannot (?:read|join|follow|take|go on)\b(?! prop)|Lost the c|Going on with|Round \d+ |it |the |The )))/;
const OURS =
  /is not a function|Cannot read properties|not iterable|Maximum call stack|Invalid (?:typed )?array/;

function watch(text: string): void {
  if (!KNOWN.test(text) || OURS.test(text)) tell({ type: "strange", text: text.slice(0, 300) });
}

const logger: Logger = { debug() {}, info() {}, warn: watch, error: watch };

async function answerQuestions(): Promise<void> {
  const { gc } = globalThis as { gc?: () => void };
  for await (const _ of Deno.stdin.readable) {
    gc?.();
    const { rss, heapUsed } = Deno.memoryUsage();
    tell({ type: "memory", rss, heapUsed });
  }
}

if (import.meta.main) {
  const settings: RunSettings = JSON.parse(Deno.args[0] ?? "");
  const { seed, rounds, transport, isClosed } = settings;
  answerQuestions();
  // All the cases come from one address, faster than one machine's clients would.
  const limits = { limits: { arrivalsPerSecond: 1_000_000, arrivalsAtOnce: 1_000_000 } };
  // In a long run the machine, and with it the honest clients, may be held up for a while.
  const isLarge = HONEST.length > MANY;
  const heartbeatSeconds = isLarge ? 5 : rounds > LONG_ROUNDS ? 1.5 : 0.5;
  const server = new ServerSyncTop(serverHandler(seed), {
    ...serverOptions(rounds),
    ...limits,
    distBackend: await transportNamed(transport),
    listen: transport === "websocket" ? "ws://127.0.0.1:0/federation" : "127.0.0.1:0",
    ...(isClosed && { gatekeeper: { kind: "token", token: TOKEN } }),
    timeouts: {
      joinSeconds: isLarge ? 20 : 2,
      roundSeconds: isLarge ? 120 : 30,
      heartbeatSeconds,
      drainSeconds: 5,
    },
    logger,
    onEvent: (event) => {
      if (event.type === "listening") tell({ type: "listening", address: event.address });
      if (event.type === "client-lost" || event.type === "client-away") {
        watch(`Lost rank ${event.rank}: ${event.reason}`);
      }
      if (event.type === "update-refused") watch(event.message);
    },
  });
  const { modelDigest, rounds: reports } = await server.run();
  tell({
    type: "finished",
    modelDigest,
    rounds: reports.map(({ received, losses }) => ({ received, losses })),
  });
  Deno.exit(0);
}
