import { MessageCode, type ParameterVector, type Transport } from "../../mod.ts";
import { type Channel, Connection } from "../../src/net/mod.ts";
import type { IdAssignmentPayload, Message, MessageOf } from "../../src/wire/mod.ts";
import { type Bytes, concat, framed, frameOf } from "../fuzz/frames.ts";
import type { Choice, Choices, Question, Return } from "./choices.ts";
import { figuresOf, honestUpdate } from "./honest.ts";
import type { Settings } from "./settings.ts";

/** Above the 16 KiB a second that a frame must come in at. */
const DRIBBLE_BYTES_PER_SECOND = 20 * 1024;
const DRIBBLE_MILLIS = 50;
const RETRY_MILLIS = 150;
/** What a training takes where there are no rounds. */
export const ASYNC_TRAIN_MILLIS = 30;
/** A member that is never let in gives up. */
const MOST_TRIES = 400;
/** Words with all that does not belong into a log. */
const WORDS = "\u001b[2J\u0007\u202e2026-01-01 INFO forged\u2028\n\u4e2d";

type Asked =
  | MessageOf<typeof MessageCode.ParameterUpdate>
  | MessageOf<typeof MessageCode.EvaluateParams>;

/** Something that a member did. */
export interface Act {
  readonly rank: number;
  readonly question: Question;
  readonly round: number;
  readonly choice: Choice;
  /** When, by `performance.now()`. */
  readonly at: number;
}

/** What a member is made of. */
export interface MemberOptions {
  readonly rank: number;
  readonly settings: Settings;
  readonly choices: Choices;
  readonly transport: Transport;
  readonly address: string;
}

/** A vector's bytes as a key. */
export function keyOf(vector: ParameterVector): string {
  const bits = new Uint32Array(vector.slice().buffer);
  let a = 0x811C9DC5, b = bits.length;
  for (const word of bits) {
    a = Math.imul(a ^ word, 0x01000193) >>> 0;
    b = Math.imul(b ^ word >>> 7, 0x85EBCA6B) >>> 0;
  }
  return `${a}-${b}`;
}

/** A client that speaks the protocol by hand, and at each step does what its choices say. */
export class Member {
  readonly rank: number;
  /** What it did, in order. */
  readonly acts: Act[] = [];
  /** Keys of the vectors that it has sent whole, by round. */
  readonly sent = new Map<number, Set<string>>();
  /** Keys of those whose values are far too large. */
  readonly huge = new Set<string>();
  /** Faults that the server told it of, by name. */
  readonly faults: Record<string, number> = {};
  readonly #options: MemberOptions;
  readonly #stop = new AbortController();
  readonly #extra = new Set<Channel>();
  readonly #acting = new Set<Promise<void>>();
  #channel: Channel | undefined;
  #gone = new AbortController();
  #assignment: IdAssignmentPayload | undefined;
  #writes: Promise<unknown> = Promise.resolve();
  #pendingWrites = 0;
  #isSilent = false;
  #deafUntil = 0;
  #isOver = false;

  constructor(options: MemberOptions) {
    this.rank = options.rank;
    this.#options = options;
  }

  /** Lives until the run is over, or `stop` is called. Never rejects. */
  async run(): Promise<void> {
    let back: Return = { as: "new", afterSeconds: 0 };
    for (let tries = 0; tries < MOST_TRIES && !this.#stop.signal.aborted;) {
      let hasJoined = false;
      try {
        const connection = await this.#join(back);
        hasJoined = true;
        await this.#converse(connection);
      } catch { /* it was thrown out, or has left */ }
      this.#leave();
      if (this.#isOver) break;
      if (hasJoined) {
        back = this.#options.choices.ofReturn(this.rank);
        if (back.as === "never") break;
        await this.#pause(back.afterSeconds * 1000);
      } else {
        tries++;
        await this.#pause(RETRY_MILLIS);
      }
    }
    await Promise.all(this.#acting);
  }

  /** Ends it. */
  stop(): void {
    this.#stop.abort();
    this.#leave();
  }

  async #join({ as }: Return): Promise<Connection> {
    const { transport, address, settings } = this.#options;
    const channel = await transport.connect(address, { signal: this.#stop.signal });
    this.#gone = new AbortController();
    this.#channel = channel;
    this.#writes = Promise.resolve();
    this.#pendingWrites = 0;
    this.#isSilent = false;
    this.#deafUntil = 0;
    const token = as === "token" ? this.#assignment?.token : undefined;
    const registration = { rank: this.rank, agent: "hostile", ...(token && { token }) };
    const connection = new Connection(channel);
    await this.#send({ code: MessageCode.Registration, payload: registration });
    const timer = setTimeout(() => channel.close(), 5000);
    let message: Message | undefined;
    try {
      message = (await connection.receive())?.message;
    } finally {
      clearTimeout(timer);
    }
    if (message?.code === MessageCode.Exit) this.#isOver = true;
    if (message?.code !== MessageCode.IdAssignment) throw new Error("it was not let in");
    this.#assignment = message.payload;
    const { manifestDigest, schemaDigest } = message.payload;
    await this.#send({
      code: MessageCode.Ready,
      payload: {
        manifestDigest,
        numSamples: figuresOf(this.rank).numSamples,
        ...(schemaDigest !== undefined && { schemaDigest }),
      },
    });
    if (this.#isAsync) await this.#send({ code: MessageCode.ParameterRequest, payload: {} });
    this.#beat(settings.heartbeatSeconds * 800);
    return connection;
  }

  get #isAsync(): boolean {
    return this.#assignment?.mode === "async";
  }

  /** Signs of life, while the connection lives and no frame is being written. */
  #beat(millis: number): void {
    const { signal } = this.#gone;
    const timer = setInterval(() => {
      if (this.#pendingWrites > 0 || this.#isSilent) return;
      this.#send({ code: MessageCode.Heartbeat, payload: {} }).catch(() => {});
    }, millis);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  async #converse(connection: Connection): Promise<void> {
    for (;;) {
      const wait = this.#deafUntil - performance.now();
      if (wait > 0) await this.#pause(wait);
      const message = (await connection.receive())?.message;
      if (message === undefined) return;
      switch (message.code) {
        case MessageCode.ParameterUpdate:
          this.#answer("train", message);
          break;
        case MessageCode.EvaluateParams:
          this.#answer("evaluate", message);
          break;
        case MessageCode.Error: {
          const { fault, fatal } = message.payload;
          this.faults[fault] = (this.faults[fault] ?? 0) + 1;
          if (fatal) return;
          break;
        }
        case MessageCode.Exit:
          this.#isOver = true;
          await this.#farewell(message);
          return;
      }
    }
  }

  async #farewell(message: MessageOf<typeof MessageCode.Exit>): Promise<void> {
    const choice = this.#choose("exit", 0);
    if (choice.act === "leave silently") return;
    if (choice.act === "flood") await this.#flood(choice, 0);
    if (choice.act === "beats only") await this.#pause(2000);
    await this.#send(message);
    await this.#channel?.closeWrite();
  }

  #choose(question: Question, round: number): Choice {
    const { rank } = this;
    const choice = this.#options.choices.of(rank, question, round);
    this.acts.push({ rank, question, round, choice, at: performance.now() });
    return choice;
  }

  #answer(question: Question, message: Asked): void {
    const choice = this.#choose(question, message.payload.round);
    const parameters = message.payload.parameters ?? new Float32Array();
    const acting =
      (question === "train"
        ? this.#train(choice, message.payload.round, parameters)
        : this.#evaluate(choice, message.payload.round))
        .catch(() => {/* its connection has ended */})
        .finally(() => this.#acting.delete(acting));
    this.#acting.add(acting);
  }

  async #train(choice: Choice, round: number, global: ParameterVector): Promise<void> {
    const { act, at = 0, seconds = 0, value, count = 1 } = choice;
    // Without rounds nothing else would keep it from asking and answering as fast as it can.
    if (this.#isAsync) await this.#pause(ASYNC_TRAIN_MILLIS);
    const { settings: { roundSeconds } } = this.#options;
    const rule = this.#assignment?.plan.rule?.name;
    const honest = honestUpdate(global, { rank: this.rank, round, rule });
    const update = (parameters = honest, fields: Record<string, unknown> = {}, of = round) =>
      this.#update(of, parameters, fields);
    switch (act) {
      case "answer":
        await this.#write(update(), round, honest);
        break;
      case "stall":
        await this.#stall(update(), { at, seconds, round, vector: honest });
        break;
      case "dribble":
        await this.#dribble(update(), round, honest);
        break;
      case "wrong round": {
        const other = otherRound(round, value);
        await this.#write(update(honest, {}, other), other, honest);
        break;
      }
      case "wrong round, then answer":
        await this.#write(update(honest, {}, round + 1), round + 1, honest);
        await this.#write(update(), round, honest);
        break;
      case "leave with Exit":
        return await this.#leaveWith({ code: MessageCode.Exit, payload: { reason: words(count) } });
      case "leave with Error":
        return await this.#leaveWith({
          code: MessageCode.Error,
          payload: { fault: "handler-failed", message: words(count), fatal: true },
        });
      case "cannot train": {
        const fields = { fault: "cannot-train", message: "it has no time", fatal: false, round };
        await this.#send({ code: MessageCode.Error, payload: fields });
        break;
      }
      case "leave silently":
        return this.#leave();
      case "leave inside a frame": {
        const frame = update();
        await this.#writeRaw(frame.subarray(0, placeIn(frame, at)));
        return this.#leave();
      }
      case "huge": {
        const vector = hugeVector(String(value), global, honest);
        this.huge.add(keyOf(vector));
        await this.#write(update(vector), round, vector);
        break;
      }
      case "NaN":
        await this.#write(update(honest.map((x, i) => i === 7 ? NaN : x)));
        break;
      case "samples":
        await this.#write(update(honest, { numSamples: Number(value) }), round, honest);
        break;
      case "steps":
        await this.#write(update(honest, { steps: Number(value) }), round, honest);
        break;
      case "silence":
        this.#isSilent = true;
        return;
      case "second update":
        for (let i = 0; i <= count; i++) await this.#write(update(), round, honest);
        break;
      case "figures unasked":
        await this.#writeRaw(repeated(this.#figures(round), count));
        await this.#write(update(), round, honest);
        break;
      case "unknown code":
        await this.#writeRaw(framed(99, new Uint8Array(1)));
        break;
      case "request work":
        await this.#writeRaw(
          repeated(frameOf({ code: MessageCode.ParameterRequest, payload: {} }), count),
        );
        break;
      case "flood":
        await this.#flood(choice, round);
        break;
      case "do not read":
        this.#deafUntil = performance.now() + seconds * 1000;
        await this.#write(update(), round, honest);
        break;
      case "wrong length":
        await this.#write(update(honest.slice(1)));
        break;
      case "malformed body": {
        const frame = update();
        await this.#writeRaw(frame.fill(0xFF, 20, 24));
        break;
      }
      case "connect twice":
        await this.#connectTwice();
        break;
    }
    if (!this.#isAsync) return;
    if (act === "beats only") await this.#pause(roundSeconds * 1500);
    await this.#send({ code: MessageCode.ParameterRequest, payload: {} });
  }

  async #evaluate(choice: Choice, round: number): Promise<void> {
    const { act, value } = choice;
    switch (act) {
      case "answer":
        return await this.#writeRaw(this.#figures(round));
      case "no loss":
        return await this.#writeRaw(this.#figures(round, { loss: undefined }));
      case "loss":
        return await this.#writeRaw(this.#figures(round, { loss: Number(value) }));
      case "samples":
        return await this.#writeRaw(this.#figures(round, { numSamples: Number(value) }));
      case "wrong round":
        return await this.#writeRaw(this.#figures(otherRound(round, value)));
      case "flood":
        return await this.#flood(choice, round);
      case "silence":
        this.#isSilent = true;
        return;
      case "leave silently":
        return this.#leave();
      case "leave with Exit": {
        const reason = words(choice.count ?? 10);
        return await this.#leaveWith({ code: MessageCode.Exit, payload: { reason } });
      }
      case "update unasked": {
        const length = this.#options.settings.length;
        return await this.#writeRaw(this.#update(round, new Float32Array(length), {}));
      }
    }
  }

  /** The frame of an update, in the form that the plan asks for. */
  #update(round: number, vector: ParameterVector, fields: Record<string, unknown>): Bytes {
    const { numSamples, steps } = figuresOf(this.rank);
    const common = { round, numSamples, loss: 1, ...fields };
    if (this.#assignment?.plan.rule?.name === "gradient") {
      return frameOf({
        code: MessageCode.GradientUpdate,
        payload: { ...common, gradient: vector },
      });
    }
    const metrics = { initialLoss: 1 };
    const payload = { ...common, metrics, parameters: vector };
    return frameOf({ code: MessageCode.ParameterUpdate, payload: { steps, ...payload } });
  }

  #figures(round: number, fields: Record<string, unknown> = {}): Bytes {
    const { numSamples } = figuresOf(this.rank);
    const payload = { round, numSamples, loss: 1, accuracy: 0.5, ...fields };
    return frameOf({ code: MessageCode.EvaluateParams, payload });
  }

  async #flood({ count = 1, value }: Choice, round: number): Promise<void> {
    const stale = new Float32Array(this.#options.settings.length);
    const frames: Record<string, () => Bytes> = {
      "figures": () => this.#figures(Math.max(1, round - 1)),
      "stale updates": () => this.#update(Math.max(1, round - 1), stale, {}),
      "heartbeats": () => frameOf({ code: MessageCode.Heartbeat, payload: {} }),
      // A server takes the first one as a leave.
      "errors": () =>
        frameOf({
          code: MessageCode.Error,
          payload: { fault: "non-finite", message: words(200), fatal: false },
        }),
    };
    if (value === "stale updates") this.#note(Math.max(1, round - 1), stale);
    const frame = frames[String(value)]?.() ?? new Uint8Array();
    // Large ones one by one: the server need not take them as fast as they come.
    if (frame.length < 1000) return await this.#writeRaw(repeated(frame, count));
    for (let i = 0; i < Math.min(count, 50); i++) await this.#writeRaw(frame);
  }

  async #stall(
    frame: Bytes,
    { at, seconds, round, vector }: {
      at: number;
      seconds: number;
      round: number;
      vector: ParameterVector;
    },
  ): Promise<void> {
    const from = placeIn(frame, at);
    await this.#exclusive(async (write) => {
      if (from > 0) await write(frame.subarray(0, from));
      await this.#pause(seconds * 1000);
      this.#note(round, vector);
      await write(frame.subarray(from));
    });
  }

  async #dribble(frame: Bytes, round: number, vector: ParameterVector): Promise<void> {
    const size = Math.ceil(DRIBBLE_BYTES_PER_SECOND * DRIBBLE_MILLIS / 1000);
    await this.#exclusive(async (write) => {
      for (let at = 0; at < frame.length; at += size) {
        if (at + size >= frame.length) this.#note(round, vector);
        await write(frame.subarray(at, at + size));
        await this.#pause(DRIBBLE_MILLIS);
      }
    });
  }

  /** A second connection with the token of the first one, which the server then closes. */
  async #connectTwice(): Promise<void> {
    const { transport, address } = this.#options;
    const channel = await transport.connect(address, { signal: this.#stop.signal });
    this.#extra.add(channel);
    const token = this.#assignment?.token;
    await channel.write(frameOf({
      code: MessageCode.Registration,
      payload: { agent: "hostile", rank: this.rank, ...(token && { token }) },
    }));
    await this.#pause(100);
    this.#extra.delete(channel);
    channel.close();
  }

  /** Remembers what it sends whole, so that it is known what the server may have of it. */
  #note(round: number, vector: ParameterVector): void {
    const keys = this.sent.get(round) ?? new Set();
    this.sent.set(round, keys.add(keyOf(vector)));
  }

  async #write(frame: Bytes, round?: number, vector?: ParameterVector): Promise<void> {
    if (round !== undefined && vector !== undefined) this.#note(round, vector);
    await this.#writeRaw(frame);
  }

  #send(message: Message): Promise<void> {
    return this.#writeRaw(frameOf(message));
  }

  #writeRaw(bytes: Bytes): Promise<void> {
    return bytes.length === 0 ? Promise.resolve() : this.#exclusive((write) => write(bytes));
  }

  /** Nothing else is written meanwhile: a frame may not stand inside another. */
  #exclusive(job: (write: (bytes: Bytes) => Promise<void>) => Promise<void>): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined) return Promise.reject(new Error("there is no connection"));
    this.#pendingWrites++;
    const done = this.#writes.then(() => job((bytes) => channel.write(bytes)));
    const { signal } = this.#gone;
    this.#writes = done.catch(() => {}).finally(() => {
      if (!signal.aborted) this.#pendingWrites--;
    });
    return done;
  }

  async #leaveWith(message: Message): Promise<void> {
    await this.#send(message);
    await this.#channel?.closeWrite();
    await this.#pause(200);
    this.#leave();
  }

  #leave(): void {
    this.#gone.abort();
    this.#channel?.close();
    this.#channel = undefined;
    for (const channel of this.#extra) channel.close();
    this.#extra.clear();
  }

  /** Waits, but not past the end of the connection. */
  async #pause(millis: number): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millis);
    const signal = this.#channel === undefined ? this.#stop.signal : this.#gone.signal;
    const wake = () => resolve();
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
    clearTimeout(timer);
  }
}

/** Another round, from 1, by so many off. */
function otherRound(round: number, by: Choice["value"]): number {
  const other = round + Number(by);
  return other < 1 || other === round ? round + 1 : other;
}

export function words(length: number): string {
  return WORDS.repeat(Math.ceil(length / WORDS.length)).slice(0, length);
}

/** A share of a frame as a number of bytes; all of it but the last byte for 1. */
function placeIn(frame: Bytes, share: number): number {
  return Math.min(frame.length - 1, Math.ceil(share * frame.length));
}

function repeated(frame: Bytes, count: number): Bytes {
  return concat(...Array<Bytes>(count).fill(frame));
}

/**
 * Finite values far beyond what training comes to; `"1e10 norms"` is a change so many times as long
 * as the vector is.
 */
function hugeVector(
  value: string,
  global: ParameterVector,
  honest: ParameterVector,
): ParameterVector {
  if (!value.endsWith(" norms")) return honest.map(() => Number(value));
  const norm = Math.max(Math.hypot(...global.subarray(0, 1000)), Math.sqrt(global.length));
  const each = Number(value.slice(0, -6)) * norm / Math.sqrt(global.length);
  return honest.map((x) => x + each);
}
