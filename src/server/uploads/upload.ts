import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { BodyKeeper, BodyPlace } from "../../net/connection_options.ts";
import type { BufferRequest } from "../../params/buffer_pool.ts";
import type { IncomingBody } from "../../round/cohort/answer.ts";
import { decodeBody, type FrameHeader } from "../../wire/frame.ts";
import type { KeptUpdate } from "./kept_update.ts";
import type { UploadParts } from "./upload_parts.ts";

/**
 * Largest update, in bytes, that is not kept: its client sends it whole into the socket's buffer
 * and waits for nobody.
 */
const MAX_BYTES_IN_SOCKET = 64 * 1024;

/**
 * Update that a client sends: read into a staging buffer when its turn comes while it waits, or
 * kept in the meantime.
 */
export class Upload implements BodyKeeper {
  /** Rank of the client. */
  readonly rank: Rank;
  readonly #header: FrameHeader;
  readonly #incoming: IncomingBody;
  readonly #parts: UploadParts;
  /** Waits for the buffer. */
  #ready: PromiseWithResolvers<Uint8Array<ArrayBuffer> | undefined> | undefined;
  /** Buffer that was lent without a request. */
  #lent: Uint8Array<ArrayBuffer> | undefined;
  #request: BufferRequest | undefined;
  #kept: KeptUpdate | undefined;
  #keptBytes = 0;
  /** Set once there is a buffer, or the update is not wanted. */
  #isReady = false;
  #isUrgent = false;
  #isClaimed = false;
  #isOver = false;

  constructor(rank: Rank, header: FrameHeader, incoming: IncomingBody, parts: UploadParts) {
    this.rank = rank;
    this.#header = header;
    this.#incoming = incoming;
    this.#parts = parts;
  }

  /** True if the update is kept, or was. */
  get isKept(): boolean {
    return this.#kept !== undefined;
  }

  /** Gives the buffer or, where it has to be waited for, either that or itself as the keeper. */
  place(): BodyPlace | Promise<BodyPlace> {
    const { topology } = this.#parts;
    const isAdmitted = topology.admitUpdate(this.rank, this.#incoming);
    if (isAdmitted === false) return undefined;
    if (isAdmitted === true && this.#tryLend()) return this.#lent;
    const isInSocket = this.#incoming.size <= MAX_BYTES_IN_SOCKET && !this.#parts.isExamined();
    return isInSocket ? this.#waitInSocket(isAdmitted) : this.#wait(isAdmitted);
  }

  /** Waits for the buffer while the client has sent the update into the socket's buffer. */
  #waitInSocket(isAdmitted: true | Promise<boolean>): Promise<BodyPlace> {
    const { monitor } = this.#parts;
    monitor.wait();
    if (isAdmitted === true) return this.#requestInSocket();
    // Thousands of clients may wait here: an asynchronous function would keep far more for each.
    return isAdmitted.then((isAdmitted) => {
      if (isAdmitted && !this.#tryLend()) return this.#requestInSocket();
      monitor.waited();
      return this.#lent;
    }, (error) => {
      monitor.waited();
      throw error;
    });
  }

  async #requestInSocket(): Promise<BodyPlace> {
    const { monitor, staging } = this.#parts;
    try {
      this.#request = staging.request(this.#parts.isUnordered());
      const buffer = await this.#request.buffer;
      this.#claim();
      return buffer;
    } finally {
      monitor.waited();
    }
  }

  /** Reads into a buffer if one is free. */
  #tryLend(): boolean {
    this.#lent = this.#parts.staging.tryLend(this.#parts.isUnordered());
    if (this.#lent !== undefined) this.#claim();
    return this.#lent !== undefined;
  }

  #claim(): void {
    this.#isReady = this.#isClaimed = true;
    this.#begin();
  }

  async #wait(isAdmitted: true | Promise<boolean>): Promise<BodyPlace> {
    const { monitor, waiting } = this.#parts, incoming = this.#incoming;
    const ready = this.#ready = Promise.withResolvers();
    monitor.wait();
    void this.#admit(isAdmitted);
    try {
      return await new Promise<BodyPlace>((resolve, reject) => {
        ready.promise.then(resolve, reject);
        waiting.add(incoming, (kept) => {
          this.#kept = kept;
          resolve(this);
        });
      });
    } finally {
      monitor.waited();
      waiting.remove(incoming);
      if (this.#kept !== undefined || this.#request !== undefined) this.#begin();
    }
  }

  async room(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#isReady || this.#isOver ? undefined : await this.#kept?.room();
  }

  filled(count: number): void {
    this.#kept?.filled(count);
    this.#keptBytes += count;
  }

  async claim(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const kept = this.#kept;
    if (!this.#isReady) await this.#waitForTurn();
    const buffer = await this.#ready?.promise;
    this.#isClaimed = true;
    if (buffer === undefined || this.#isOver) {
      kept?.release();
      return undefined;
    }
    try {
      await kept?.load(buffer);
    } catch (cause) {
      // The client sends it again.
      throw new ConnectionClosedError(`its update is lost: ${errorMessage(cause)}`, { cause });
    }
    kept?.release();
    this.#begin();
    return buffer;
  }

  /** Gives up an update that waits for its turn, because its client has come back. */
  cancel(): void {
    if (this.#isClaimed || this.#isOver) return;
    this.#isOver = true;
    this.#request?.cancel();
    this.#settle(undefined);
  }

  /** Gives back whatever the update has. */
  release(): void {
    const { monitor, topology, staging } = this.#parts;
    this.#isOver = true;
    monitor.end(this.rank);
    this.#kept?.release();
    this.#request?.cancel();
    if (this.#lent !== undefined) staging.giveBack(this.#lent);
    this.#lent = undefined;
    topology.releaseUpdate(this.rank);
  }

  /** Requests a buffer once the topology admits the update. */
  async #admit(isAdmitted: true | Promise<boolean>): Promise<void> {
    const { staging } = this.#parts;
    let buffer: Uint8Array<ArrayBuffer> | undefined;
    try {
      if (await isAdmitted && !this.#isOver) {
        const isPatient = this.#parts.isUnordered() && !this.#isUrgent;
        this.#request = staging.request(isPatient);
        buffer = await this.#request.buffer;
      }
    } catch (error) {
      this.#isReady = true;
      return this.#ready?.reject(error);
    }
    this.#settle(buffer);
  }

  #settle(buffer: Uint8Array<ArrayBuffer> | undefined): void {
    this.#isReady = true;
    this.#ready?.resolve(buffer);
  }

  #begin(): void {
    this.#parts.topology.startUpdate(this.rank);
    this.#parts.monitor.begin(this.rank, this.#incoming);
  }

  /** Waits for the buffer of an update that is whole, or of which no more can be kept. */
  async #waitForTurn(): Promise<void> {
    const { topology, monitor } = this.#parts;
    const isWhole = this.#keptBytes === this.#header.bodyLength;
    topology.holdUpdate(this.rank);
    monitor.end(this.rank);
    if (isWhole) {
      await this.#kept?.finish();
      this.#isUrgent = true;
      this.#request?.urge();
      if (this.#parts.isExamined()) await this.#examine();
      return;
    }
    monitor.wait();
    try {
      await this.#ready?.promise;
    } finally {
      monitor.waited();
    }
  }

  async #examine(): Promise<void> {
    const { staging } = this.#parts, { code, bodyLength } = this.#header;
    const buffer = await staging.lend();
    try {
      await this.#kept?.load(buffer);
      this.#parts.examine(this.rank, decodeBody(code, buffer.subarray(0, bodyLength)));
    } finally {
      staging.giveBack(buffer);
    }
  }
}
