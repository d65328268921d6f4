import { Random } from "../../mod.ts";
import { pick } from "../fuzz/frames.ts";

/**
 * Strategies that a plan may have: with state on the server, with state on the clients, with
 * neither.
 */
export const STRATEGIES = ["fedavg", "fedadam", "scaffold", "feddyn", "ditto", "median"] as const;
/** Those of an asynchronous server. */
export const ASYNC_STRATEGIES = ["fedasync", "fedbuff:size=3"] as const;
/**
 * Who may join, and whether the bytes are secret: everyone, holders of a token, holders of a key
 * over TLS.
 */
export const SECURITIES = ["open", "token", "keys over TLS"] as const;
/**
 * Strategies whose clients keep in their memory what goes into the global model: another process
 * has lost it.
 */
const REMEMBERS = new Set<string>(["scaffold", "feddyn"]);

/** What a federation is like. */
export interface ChaosSettings {
  readonly seed: number;
  readonly clients: number;
  readonly strategy: string;
  readonly transport: "tcp" | "websocket";
  readonly security: typeof SECURITIES[number];
  /** Share of the updates that a round needs. */
  readonly quorum: number;
  /** `mlp` has frames of 20 kB, `2nn` of 220 kB: there a kill falls inside one more often. */
  readonly model: "mlp" | "2nn";
  /** Whether there is one more client, whose updates are never sound. */
  readonly hostile: boolean;
  /** Seconds between signs of life; after six of them a client is given up. */
  readonly heartbeatSeconds: number;
  /** Whether clients are cut off for longer than that. */
  readonly partitions: boolean;
  /** Whether updates are masked; over TCP without TLS, so that reveals can be counted. */
  readonly masked?: boolean;
}

/** One trouble, after a pause. */
export interface Step {
  /** Not before the checkpoint of this round is there. Default: at any time. */
  readonly atRound?: number;
  readonly afterMillis: number;
  readonly trouble:
    | "kill server"
    | "kill client"
    | "kill server, tear its checkpoint"
    | "kill server at a reveal"
    | "stop server"
    | "stop client"
    | "cut"
    | "cut inside a frame"
    | "hold"
    | "slow down"
    | "cut all off"
    | "cut off"
    | "take the disk away"
    | "fill the disk";
  /** Which client, from 0. */
  readonly client?: number;
  /** How long it lasts, or by how much a line is slowed down. */
  readonly millis?: number;
  /** Where a checkpoint is torn or a frame cut, as a share of its length. */
  readonly at?: number;
}

/** All that a run chooses: written to a file, it can be done again. */
export interface ChaosPlan {
  readonly settings: ChaosSettings;
  readonly rounds: number;
  readonly steps: readonly Step[];
}

/** Whether a run goes without rounds. */
export function isAsync({ strategy }: Pick<ChaosSettings, "strategy">): boolean {
  return /^fed(async|buff)/.test(strategy);
}

/** Bytes of the frames that carry parameters. */
export const FRAME_BYTES = { mlp: 20_000, "2nn": 220_000 } as const;

/** What may be asked for. */
export type Given = Partial<Omit<ChaosSettings, "seed">>;

/** What a run with masked updates is like: all updates count, and its messages can be read. */
const MASKED = {
  strategy: "fedavg",
  transport: "tcp",
  security: "open",
  quorum: 1,
  hostile: false,
  partitions: false,
} as const;

function drawSettings(seed: number, given: Given): ChaosSettings {
  const random = new Random(seed, "test", { rank: 1 });
  const drawn: ChaosSettings = {
    seed,
    clients: 6,
    strategy: pick(random, [...STRATEGIES, ...ASYNC_STRATEGIES]),
    transport: pick(random, ["tcp", "websocket"]),
    security: pick(random, SECURITIES),
    quorum: pick(random, [1, 1, 0.6]),
    model: pick(random, ["mlp", "mlp", "2nn"]),
    hostile: random.below(4) === 0,
    heartbeatSeconds: 2,
    partitions: random.below(4) === 0,
    ...given,
  };
  if (drawn.masked) return { ...drawn, ...MASKED };
  // A member that speaks by hand has no key; and of its kind it must be few.
  if (!drawn.hostile) return drawn;
  return { ...drawn, security: "open", quorum: drawn.clients / (drawn.clients + 1) - 1e-3 };
}

/** What happens to the run of a seed, with so many kills. */
export function drawPlan(seed: number, kills: number, given: Given = {}): ChaosPlan {
  const settings = drawSettings(seed, given);
  const { clients, strategy, partitions, heartbeatSeconds, hostile } = settings;
  const random = new Random(seed, "test");
  const giveUpMillis = 6000 * heartbeatSeconds;
  const steps: Step[] = [];
  const of = (trouble: Step["trouble"], more: Omit<Step, "trouble" | "afterMillis"> = {}) => {
    steps.push({ afterMillis: 50 + random.below(500), trouble, ...more });
  };
  for (let killed = 0; killed < kills;) {
    const client = random.below(clients);
    const kind = random.below(14);
    if (kind < 1 && settings.masked) of("kill server at a reveal", { millis: random.below(40) });
    else if (kind < 2) of("kill server", { millis: random.below(1500) });
    else if (kind < 3) of("kill server, tear its checkpoint", { at: random.uniform() });
    else if (kind < 6 && !REMEMBERS.has(strategy)) of("kill client", { client });
    else if (kind < 7) of("cut", { client });
    else if (kind < 8) of("hold", { client, millis: 200 + random.below(1500) });
    else if (kind < 9) of("slow down", { client, millis: random.below(40) });
    else if (kind < 10) of("stop client", { client, millis: 200 + random.below(2500) });
    else if (kind < 11) of("stop server", { millis: 200 + random.below(2500) });
    else if (kind < 12) of("fill the disk", { millis: 300 + random.below(1500) });
    else if (kind < 13) of("cut inside a frame", { client, at: random.uniform() });
    else if (random.below(3) === 0) of("take the disk away", { millis: 200 + random.below(1000) });
    else if (random.below(2) === 0) of("cut all off", { millis: 200 + random.below(1500) });
    else if (partitions) {
      of("cut off", { client, millis: giveUpMillis + 1000 + random.below(3000) });
    }
    if (steps.at(-1)?.trouble.startsWith("kill")) killed++;
  }
  const rounds = isAsync(settings) ? 80 + 12 * kills : 10 + (hostile ? 2 : 4) * kills;
  return { settings, rounds, steps };
}
