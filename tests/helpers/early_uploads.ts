import {
  type Logger,
  MessageCode,
  type RunReport,
  type ServerEvent,
  ServerSyncTop,
  type ServerTopologyOptions,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { memoryTransport } from "../../src/net/mod.ts";
import { frameOf } from "./frame.ts";
import { Peer } from "./peer.ts";
import { vectorHandler } from "./played_run.ts";

/** A client whose update a test sends in pieces. */
export class Uploader {
  readonly rank: number;
  readonly #address: string;
  readonly #length: number;
  #peer: Peer | undefined;
  #token: string | undefined;
  #frame: Uint8Array<ArrayBuffer> = new Uint8Array();
  #at = 0;

  constructor(address: string, rank: number, length: number) {
    this.rank = rank;
    this.#address = address;
    this.#length = length;
  }

  get peer(): Peer {
    if (this.#peer === undefined) throw new Error("It has not joined");
    return this.#peer;
  }

  /** Joins, or comes back. */
  async join(): Promise<void> {
    const peer = this.#peer = await Peer.connect(this.#address, memoryTransport);
    const token = this.#token;
    this.#token = (await peer.join({ rank: this.rank, ...(token !== undefined && { token }) }))
      .token;
  }

  /** Waits until it is asked for an update, and makes one that is its own. */
  async asked(change: (vector: Float32Array<ArrayBuffer>) => void = () => {}): Promise<number> {
    const { round } = await this.peer.until(MessageCode.ParameterUpdate);
    const parameters = Float32Array.from(
      { length: this.#length },
      (_, i) => Math.fround(Math.sin(i * this.rank + round)),
    );
    change(parameters);
    const payload = { round, numSamples: this.rank, parameters };
    this.#frame = frameOf({ code: MessageCode.ParameterUpdate, payload });
    this.#at = 0;
    return round;
  }

  /** Sends that many bytes of the update, by default the rest; resolves once the server has them. */
  async send(bytes: number = this.#frame.length): Promise<void> {
    const part = this.#frame.slice(this.#at, this.#at + bytes);
    this.#at += part.length;
    await this.peer.channel.write(part);
  }

  /** Bytes of the frame. */
  get size(): number {
    return this.#frame.length;
  }

  /** Takes its leave when the run is over. */
  async leave(): Promise<void> {
    const { peer } = this;
    await peer.until(MessageCode.Exit);
    await peer.send({ code: MessageCode.Exit, payload: { reason: "bye", over: true } });
    await peer.connection.close();
  }
}

/** Setting of {@linkcode runUploads}. */
export interface UploadsSetting {
  readonly clients: number;
  readonly length: number;
  readonly server?: Partial<Omit<ServerTopologyOptions, "onEvent">>;
  /** Called with each event of the server. */
  onEvent?(event: ServerEvent): void;
  readonly handler?: Partial<SyncParameterServerHandlerOptions>;
  /** Plays the clients, which have joined. `warned` resolves with the first warning. */
  play(uploaders: Uploader[], warned: Promise<string>): Promise<void>;
}

let runs = 0;

/** Runs a server in memory, where a write of more than a little ends when it is read. */
export async function runUploads(
  { clients, length, server, handler, onEvent, play }: UploadsSetting,
): Promise<{ report: RunReport; lines: string[] }> {
  const address = `uploads ${++runs}`;
  const lines: string[] = [];
  const warned = Promise.withResolvers<string>();
  const log = (level: string) => (line: unknown) => {
    lines.push(`${level}: ${line}`);
    warned.resolve(`${line}`);
  };
  const logger = {
    debug: () => {},
    info: () => {},
    warn: log("warn"),
    error: log("error"),
  } as unknown as Logger;
  const played = Promise.withResolvers<void>();
  const top = new ServerSyncTop(
    vectorHandler(new Float32Array(length), { stagingBuffers: 1, ...handler }),
    {
      listen: address,
      worldSize: clients + 1,
      rounds: 1,
      distBackend: "memory",
      logger,
      timeouts: { drainSeconds: 1 },
      onEvent: (event) => {
        onEvent?.(event);
        if (event.type === "listening") begin().then(played.resolve, played.reject);
      },
      ...server,
    },
  );
  async function begin(): Promise<void> {
    const uploaders = Array.from(
      { length: clients },
      (_, i) => new Uploader(address, i + 1, length),
    );
    await Promise.all(uploaders.map((uploader) => uploader.join()));
    await play(uploaders, warned.promise);
    await Promise.all(uploaders.map((uploader) => uploader.leave()));
  }
  const [report] = await Promise.all([top.run(), played.promise]);
  return { report, lines };
}
