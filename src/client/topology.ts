/**
 * What every client topology is.
 *
 * @module
 */

import type { Credential } from "../auth/challenge.ts";
import type { Logger, LogOptions } from "../base/log/log.ts";
import { type Rank, SERVER_RANK } from "../base/rank.ts";
import type { DistBackend } from "../net/backend.ts";
import { type Timeouts, timeoutsOf } from "../net/timeouts.ts";
import type { TrainResult } from "../plan/results.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import type { MessageCode } from "../wire/message_code.ts";
import type { Payload } from "../wire/messages.ts";

/** Something that happened to a client. */
export type ClientEvent =
  | {
    /** The client has joined and built the model. */
    readonly type: "joined";
    readonly rank: Rank;
    readonly worldSize: number;
    readonly rounds: number;
  }
  | {
    /** The client has trained for a round. */
    readonly type: "trained";
    readonly round: number;
    readonly result: TrainResult;
    /** Wall time of the training. */
    readonly seconds: number;
  }
  | {
    /** The client could not train for a round, and has said so; it stays for the next one. */
    readonly type: "cannot-train";
    readonly round: number;
    readonly reason: string;
  };

/** How a client finds its group, and where it logs. */
export interface ClientTopologyOptions {
  /** The server's address, in the form of the transport: `"HOST:PORT"` for TCP, `"ws://HOST:PORT/PATH"` for WebSockets. */
  serverAddr: string;
  /** Number of processes, the server included. When given, it must be the server's. */
  worldSize?: number;
  /** The rank to take, 1 to `worldSize - 1`. Default: the server gives the lowest free one. */
  rank?: Rank;
  /** The transport. Default `"tcp"`. */
  distBackend?: DistBackend;
  /** What the client proves its identity with, to a server that asks. Default: nothing. */
  credential?: Credential;
  /** The name that the server must have when it asks. Default: whichever it says. */
  serverName?: string;
  /** Log file, in the log's folder: the rank and `.txt` are added to it. Default `"clientLog"`; `""` for none. */
  loggerFile?: string;
  /** Name that the log's lines carry. Default `"client-RANK"`. */
  loggerName?: string;
  /** The log's folder (default `"log"`), lowest level (`"INFO"`), and whether it goes to standard error too (true). */
  log?: Pick<LogOptions, "folder" | "level" | "console">;
  /** A logger of the application's own, in place of file and console. */
  logger?: Logger;
  /** Told of what happens, as it happens. */
  onEvent?: (event: ClientEvent) => void;
  /** Time-outs, each with its default. */
  timeouts?: Partial<Timeouts>;
}

/** What `run` takes. */
export interface RunOptions {
  /** Ends the run: the peers are told, then `run` rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * A client's side of a communication agreement: who says what, and when. The model is the handler's business.
 *
 * Subclass it to define an agreement of your own; {@linkcode ClientSyncTop} is the synchronous one.
 */
export abstract class ClientCommunicationTopology {
  /** What trains and evaluates the model. */
  readonly handler: ClientBackendHandler;
  /** The server's address. */
  readonly serverAddr: string;
  /** The transport. */
  readonly distBackend: DistBackend;
  /** The time-outs in force. */
  readonly timeouts: Timeouts;
  /** The options as given. */
  protected readonly options: Readonly<ClientTopologyOptions>;

  /** Joins a handler to a group that is found by the options. Nothing is opened before `run`. */
  constructor(handler: ClientBackendHandler, options: ClientTopologyOptions) {
    const { rank, worldSize } = options;
    if (rank !== undefined && (!Number.isInteger(rank) || rank <= SERVER_RANK)) {
      throw new RangeError(`Cannot make a client: expected a rank of at least 1, got ${rank}`);
    }
    if (worldSize !== undefined && (!Number.isInteger(worldSize) || worldSize < 2)) {
      throw new RangeError(
        `Cannot make a client: expected a world size of at least 2, got ${worldSize}`,
      );
    }
    if (rank !== undefined && worldSize !== undefined && rank >= worldSize) {
      throw new RangeError(
        `Cannot make a client: expected a rank from 1 to ${worldSize - 1}, got ${rank}`,
      );
    }
    this.handler = handler;
    this.serverAddr = options.serverAddr;
    this.distBackend = options.distBackend ?? "tcp";
    this.timeouts = timeoutsOf(options.timeouts);
    this.options = options;
  }

  /** The client's whole part in a run, from joining to leaving. */
  abstract run(options?: RunOptions): Promise<void>;

  /** What is done on a message, local training included. */
  abstract onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void>;

  /** Sends the local model to the server. */
  abstract synchronize(): Promise<void>;
}
