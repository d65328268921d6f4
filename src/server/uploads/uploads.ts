import type { Rank } from "../../base/rank.ts";
import type { BodyPlace } from "../../net/connection_options.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import type { TrainingExchange } from "../../round/cohort/training_exchange.ts";
import type { FrameHeader } from "../../wire/frame.ts";
import { FIELDS_BYTES } from "../../wire/limits.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import { type ReceivedUpdate, receivedUpdate } from "../run/received_update.ts";
import type { ServerTopology } from "../run/server_topology.ts";
import { DEFAULT_EARLY_BYTES } from "./early_updates.ts";
import { SpillFile } from "./spill_file.ts";
import { Upload } from "./upload.ts";
import { UpdateStore } from "./update_store.ts";
import type { UploadParts } from "./upload_parts.ts";
import { UploadMonitor } from "./upload_monitor.ts";
import { WaitingUpdates } from "./waiting_updates.ts";

/** Options of {@linkcode Uploads}. */
export interface UploadsOptions {
  readonly topology: ServerTopology;
  /** Returns the training in progress. */
  training(): TrainingExchange | undefined;
  /** Returns the bytes that all connections have sent and received so far. */
  traffic(): number;
  /** Called with an upload that has to give its place to others. */
  onSlow(rank: Rank, reason: string): void;
  /** Writes a line to the log. */
  warn(text: string): void;
  /**
   * Returns the message with the whole update.
   *
   * @throws {ProtocolError} If the client has sent values that do not travel.
   */
  whole(rank: Rank, message: Message): Message;
}

/**
 * Uploads of a run: who waits for a staging buffer, whose updates are read, and whose are kept in
 * the meantime.
 */
export class Uploads implements AsyncDisposable {
  readonly #parts: UploadParts;
  readonly #file: SpillFile | undefined;
  /** Uploads by their places. */
  readonly #open = new Map<NonNullable<BodyPlace>, Upload>();
  readonly #kept = new Map<Rank, Upload>();
  #reportedBytes = 0;

  constructor({ topology, training, traffic, onSlow, warn, whole }: UploadsOptions) {
    const { handler, options, timeouts: { roundSeconds }, mode } = topology;
    const { manifest, staging, codecs } = handler;
    const { memoryBytes = DEFAULT_EARLY_BYTES, folder = options.checkpoints?.folder } =
      options.earlyUpdates ?? {};
    const vectorBytes = Math.max(manifest.byteLength, codecs?.uplink?.byteLength ?? 0);
    const placeBytes = vectorBytes + FIELDS_BYTES;
    if (folder !== null && memoryBytes > 0) {
      this.#file = new SpillFile({ folder, placeBytes, onFailure: warn });
    }
    const store = new UpdateStore(memoryBytes, placeBytes, this.#file);
    this.#parts = {
      topology,
      staging,
      monitor: new UploadMonitor(roundSeconds, onSlow),
      waiting: new WaitingUpdates({ keep: (size) => store.keep(size), traffic }),
      isUnordered: () => mode === "async" || (training()?.isUnordered ?? false),
      isExamined: () => training()?.isExamined ?? false,
      examine: (rank, message) =>
        training()?.examine(
          rank,
          receivedUpdate(rank, updateOf(whole(rank, message)), handler, topology.startOf(rank)),
        ),
    };
  }

  /** Bytes that were written to the file since the last call. */
  takeSpilledBytes(): number {
    const { bytesWritten = 0 } = this.#file ?? {};
    const bytes = bytesWritten - this.#reportedBytes;
    this.#reportedBytes = bytesWritten;
    return bytes;
  }

  /** Cleans up after servers that have crashed, and starts to look for slow uploads. */
  async start(): Promise<void> {
    await this.#file?.cleanUp();
    this.#parts.monitor.watch();
  }

  /** Stops looking, and removes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.monitor[Symbol.dispose]();
    this.#parts.waiting[Symbol.dispose]();
    await this.#file?.[Symbol.asyncDispose]();
  }

  /** Gives an expected update its place; `undefined` refuses it. */
  place(
    rank: Rank,
    header: FrameHeader,
    incoming: IncomingBody,
  ): BodyPlace | Promise<BodyPlace> {
    const upload = new Upload(rank, header, incoming, this.#parts);
    const place = upload.place();
    return place instanceof Promise
      ? place.then((place) => this.#opened(upload, place))
      : this.#opened(upload, place);
  }

  #opened(upload: Upload, place: BodyPlace): BodyPlace {
    if (place !== undefined) this.#open.set(place, upload);
    if (upload.isKept) this.#kept.set(upload.rank, upload);
    return place;
  }

  /** Notes that an update was read: it is not slow any more. */
  markRead(rank: Rank): void {
    this.#parts.monitor.end(rank);
  }

  /** Gives up what is kept of a client that has come back. */
  cancel(rank: Rank): void {
    this.#kept.get(rank)?.cancel();
  }

  /** Takes back a place. */
  release(place: NonNullable<BodyPlace>): void {
    const upload = this.#open.get(place);
    this.#open.delete(place);
    if (upload === undefined) return;
    if (this.#kept.get(upload.rank) === upload) this.#kept.delete(upload.rank);
    upload.release();
  }
}

/** Returns a message that carries an update. */
function updateOf(message: Message): ReceivedUpdate {
  const { code } = message;
  if (
    code === MessageCode.ParameterUpdate || code === MessageCode.GradientUpdate ||
    code === MessageCode.CompressedUpdate
  ) {
    return message;
  }
  throw new Error("Cannot check an update: the message carries none");
}
