import {
  type Checkpoints,
  mlp,
  type Rank,
  type RoundReport,
  type ServerEvent,
  ServerSyncTop,
  SyncParameterServerHandler,
  websocketMount,
} from "@fedlab/core";
import type { RequestInfo } from "@fedlab/core/net";
import type { SecureAggregationOptions } from "@fedlab/core/round";
import type { Codec } from "@fedlab/core/codec";
import { encodeSafetensorsHeader } from "@fedlab/core/store";
import { initialParameters } from "@fedlab/core";

/**
 * Seconds for which the server of a completed run listens, so that the client whose request started
 * it can join and learn that the run is over.
 */
const FAREWELL_SECONDS = 2;

/** Options of {@linkcode Coordinator}. */
export interface Settings {
  clients: number;
  rounds: number;
  seed: number;
  /** Shared token of the clients. Without it, everyone may join. */
  token: string | undefined;
  /** Codec of the updates. Default: they are sent whole. */
  uplink?: Codec;
  /** Codec of the parameters. Default: they are sent whole. */
  downlink?: Codec;
  /** Secure aggregation. Default: the clients send their updates without masks. */
  secureAggregation?: SecureAggregationOptions;
  /** Opens the storage of the run. Calls `warn` for stored data that cannot be used. */
  open: (warn: (message: string) => void) => Promise<Checkpoints>;
}

/** State of the run. */
export interface Status {
  readonly state: "waiting" | "training" | "finished";
  /** Last complete round, 0 to `rounds`. */
  readonly round: number;
  readonly rounds: number;
  /** Connected ranks, of `clients` in total. */
  readonly joined: readonly Rank[];
  readonly clients: number;
  /** Mean accuracy of the clients after that round. */
  readonly accuracy?: number;
  /** SHA-256 of the final model. */
  readonly modelDigest?: string;
  /** Reason for which the run stopped, if it did; the next request resumes it. */
  readonly error?: string;
}

/** Set of connected clients. */
class Handler extends SyncParameterServerHandler {
  readonly present = new Set<Rank>();

  override onJoin(rank: Rank, numSamples: number): void {
    super.onJoin(rank, numSamples);
    this.present.add(rank);
  }
}

/** Server that its first request starts, from its last checkpoint if there is one. */
export class Coordinator {
  readonly #settings: Settings;
  readonly #mount = websocketMount();
  #store: Checkpoints | undefined;
  /** Number of checkpoints that could not be used. */
  #broken = 0;
  #begun: Promise<Handler> | undefined;
  #isRunning = false;
  #rounds: readonly RoundReport[] = [];
  #state: Status["state"] = "waiting";
  #digest: string | undefined;
  #error: string | undefined;

  /** Creates the federation; the first request opens its storage. */
  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Admits a client. After the run it listens again, to tell clients that were disconnected. */
  async join(request: Request, info: RequestInfo): Promise<Response> {
    if (this.#state === "finished" && !this.#isRunning) this.#begun = undefined;
    await this.#begin();
    return this.#mount.handler(request, info);
  }

  /** Returns the state of the run. */
  async status(): Promise<Status> {
    const { present } = await this.#begin();
    const last = this.#rounds.at(-1);
    return {
      state: this.#state,
      round: last?.round ?? 0,
      rounds: this.#settings.rounds,
      joined: [...present].sort((a, b) => a - b),
      clients: this.#settings.clients,
      ...(last?.accuracy !== undefined && { accuracy: last.accuracy }),
      ...(this.#digest !== undefined && { modelDigest: this.#digest }),
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  /** Returns the model as a file after the run. */
  async model(): Promise<Response> {
    const { manifest, parameters } = await this.#begin();
    if (this.#state !== "finished") {
      return new Response("The run is not over yet\n", { status: 404 });
    }
    const header = encodeSafetensorsHeader(manifest, { rounds: `${this.#rounds.length}` });
    return new Response(new Blob([header, parameters.slice()]), {
      headers: { "content-type": "application/octet-stream" },
    });
  }

  /** Starts or resumes the run, once for all concurrent requests. */
  #begin(): Promise<Handler> {
    return this.#begun ??= this.#open().catch((error) => {
      this.#begun = undefined;
      throw error;
    });
  }

  async #open(): Promise<Handler> {
    const { clients, rounds, seed, token, uplink, downlink, secureAggregation, open } =
      this.#settings;
    const store = this.#store ??= await open((message) => {
      this.#broken++;
      console.warn(message);
    });
    this.#broken = 0;
    const resume = await store.latest();
    if (resume === undefined && this.#broken > 0) {
      throw new Error(
        `Cannot begin: there is a run already, and none of its checkpoints is whole (${this.#broken} warnings above); name another run (FEDLAB_RUN), or remove what is left of this one`,
      );
    }
    const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
    const plan = { epochs: 2, batchSize: 10, learningRate: 0.1 };
    const initial = await initialParameters(model, seed);
    const codecs = { ...(uplink && { uplink }), ...(downlink && { downlink }) };
    const secure = secureAggregation && { secureAggregation };
    const handler = new Handler({ ...initial, model, plan, seed, ...codecs, ...secure });
    const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
    const isOver = (resume?.round ?? 0) >= rounds;
    const server = new ServerSyncTop(handler, {
      distBackend: this.#mount,
      listen: "/federation",
      worldSize: clients + 1,
      rounds,
      checkpoints: store,
      ...(resume && { resume }),
      ...(token && { gatekeeper: { kind: "token", token } }),
      ...(isOver && { timeouts: { joinSeconds: FAREWELL_SECONDS } }),
      logger: console,
      onEvent: (event) => {
        if (event.type === "listening") resolve();
        this.#note(event, handler);
      },
    });
    this.#isRunning = true;
    server.run().catch((error) => {
      reject(error);
      // The next request starts again, from the last checkpoint.
      if (this.#state === "finished") return;
      this.#error = `${error}`;
      this.#begun = undefined;
    }).finally(() => {
      this.#isRunning = false;
      handler.present.clear();
    });
    await listening;
    const report = await server.report();
    this.#rounds = report.rounds;
    if (isOver) {
      this.#state = "finished";
      this.#digest = report.modelDigest;
    }
    return handler;
  }

  #note(event: ServerEvent, { present }: Handler): void {
    if (event.type === "client-away" || event.type === "client-lost") present.delete(event.rank);
    else if (event.type === "round-started") this.#state = "training";
    else if (event.type === "round-ended") {
      this.#rounds = [...this.#rounds, event.report];
      this.#error = undefined;
    } else if (event.type === "finished") {
      this.#state = "finished";
      this.#digest = event.report.modelDigest;
    }
  }
}
