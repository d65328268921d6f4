import { DEFAULT_PLAN, type Manifest, MessageCode, type ModelDescription } from "../../mod.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { type Channel, Connection, type Listener, transportOf } from "../../src/net/mod.ts";
import type { IdAssignmentPayload, Message } from "../../src/wire/mod.ts";
import { type Bytes, concat, framed, frameOf } from "../fuzz/frames.ts";
import type { Choice, Choices } from "./choices.ts";
import { words } from "./member.ts";
import type { TransportName } from "./settings.ts";

/** Seconds between signs of life, as the assignment says unless it lies. */
export const VICTIM_HEARTBEAT_SECONDS = 0.1;
/** As long as it goes on with signs of life alone. */
export const BEATS_SECONDS = 6;
/** As long as it waits for an answer. */
const ANSWER_MILLIS = 1000;
const TOKEN = "0123456789abcdef".repeat(2);

/** What a malicious server is made of. */
export interface MaliciousServerOptions {
  readonly transport: TransportName;
  readonly choices: Choices;
  readonly manifest: Manifest;
  /** The model's description; none where the client brings its own. */
  readonly model: ModelDescription | undefined;
  /** How often it lets the client come back. */
  readonly lives: number;
  /** What it does on one connection, at most. */
  readonly steps: number;
}

/** One client's connection. */
interface Line {
  readonly channel: Channel;
  readonly connection: Connection;
  /** The next message within the time, if there is one. */
  receive(): Promise<Message | undefined>;
}

/** A server that does as its choices say, to one client. */
export class MaliciousServer implements AsyncDisposable {
  /** What it did, in order, in words. */
  readonly acts: string[] = [];
  /** Whether it has told the client that the run is over. */
  hasSaidExit = false;
  /** What the client let it do to the end, though it should have gone long before. */
  readonly borne: string[] = [];
  /** Number of times that it has asked for something. */
  rounds = 0;
  /** Whether it does nothing any more. */
  isDone = false;
  /** Resolves when it does nothing any more. */
  readonly done: Promise<void>;
  readonly #options: MaliciousServerOptions;
  readonly #listener: Listener;
  readonly #channels = new Set<Channel>();
  readonly #stop = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  readonly #serving: Promise<void>;
  #life = 0;
  #step = 0;
  #round = 0;

  private constructor(options: MaliciousServerOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    this.done = this.#finished.promise;
    this.#serving = this.#serve();
  }

  static async start(options: MaliciousServerOptions, name: string): Promise<MaliciousServer> {
    const address = {
      tcp: "127.0.0.1:0",
      websocket: "ws://127.0.0.1:0/federation",
      memory: name,
    }[options.transport];
    return new MaliciousServer(options, await transportOf(options.transport).listen(address));
  }

  get address(): string {
    return this.#listener.address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#listener.close();
    for (const channel of this.#channels) channel.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const talks: Promise<void>[] = [];
    for (;;) {
      const channel = await this.#listener.accept();
      if (channel === null) break;
      this.#channels.add(channel);
      if (this.#life++ >= this.#options.lives) {
        this.#finish();
        channel.close();
        continue;
      }
      talks.push(this.#talk(channel).catch(() => {/* the client has gone */}));
    }
    this.#finish();
    await Promise.all(talks);
  }

  /** From now on nobody is there: what the client does next has to end by itself. */
  #finish(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#listener.close();
    this.#finished.resolve();
  }

  async #talk(channel: Channel): Promise<void> {
    const connection = new Connection(channel);
    const receive = () => this.#receive(connection, channel);
    const line = { channel, connection, receive };
    try {
      if ((await receive())?.code !== MessageCode.Registration) return;
      if (!await this.#meet(line)) return;
      for (let step = 0; step < this.#options.steps; step++) {
        if (!await this.#lead(line)) return;
      }
      this.hasSaidExit = true;
      await channel.write(exit());
      await receive();
    } finally {
      channel.close();
      this.#channels.delete(channel);
      if (this.#life >= this.#options.lives) this.#finish();
    }
  }

  /** The next message within the time, if there is one. */
  async #receive(connection: Connection, channel: Channel): Promise<Message | undefined> {
    const timer = setTimeout(() => channel.close(), ANSWER_MILLIS + 1000);
    try {
      return (await connection.receive())?.message;
    } finally {
      clearTimeout(timer);
    }
  }

  #choose(question: "meet" | "lead"): Choice {
    const choice = this.#options.choices.of(0, question, this.#step++);
    const { act, ...rest } = choice;
    const details = Object.entries(rest).map(([key, value]) => `${key} ${value}`).join(", ");
    this.acts.push(`${question}: ${act}${details && ` (${details})`}`);
    return choice;
  }

  /** Whether the client has joined. */
  async #meet(line: Line): Promise<boolean> {
    const { channel, receive } = line;
    const choice = this.#choose("meet");
    const { act, at = 0, count = 1, value } = choice;
    const assignment = await this.#assignment();
    const assign = (fields: Record<string, unknown> = {}) =>
      frameOf({
        code: MessageCode.IdAssignment,
        payload: { ...assignment, ...fields } as IdAssignmentPayload,
      });
    switch (act) {
      case "assign":
        await channel.write(assign());
        return (await receive())?.code === MessageCode.Ready;
      case "assign twice":
        await channel.write(concat(assign(), assign()));
        return (await receive())?.code === MessageCode.Ready;
      case "assign, heartbeat":
        await channel.write(assign({ heartbeatSeconds: Number(value) }));
        if ((await receive())?.code !== MessageCode.Ready) return false;
        await this.#silence(line);
        return false;
      case "assign, unfit":
        await channel.write(assign(unfit(String(value))));
        return (await receive())?.code === MessageCode.Ready;
      case "assign, model":
        await channel.write(assign({ model: unfitModel(String(value)) }));
        return (await receive())?.code === MessageCode.Ready;
      case "challenge, then silence":
      case "challenge, then beats":
      case "challenge twice": {
        const challenge = frameOf({
          code: MessageCode.Challenge,
          payload: { nonce: "ab".repeat(32), methods: ["token"], server: "fedlab", run: "run" },
        });
        await channel.write(challenge);
        if ((await receive())?.code !== MessageCode.Proof) return false;
        if (act === "challenge twice") await channel.write(challenge);
        else await (act === "challenge, then beats" ? this.#beats(line) : this.#silence(line));
        return false;
      }
      case "stall":
        await this.#stall(line, assign(), at);
        return false;
      case "dribble":
        await this.#dribble(line, assign());
        return false;
      default:
        await this.#misbehave(line, act, { count, value });
        return false;
    }
  }

  /** Whether there is more to come on this connection. */
  async #lead(line: Line): Promise<boolean> {
    const { channel, receive } = line;
    const { act, at = 0, count = 1, value } = this.#choose("lead");
    const answer = async (frame: Bytes) => {
      await channel.write(frame);
      return await receive() !== undefined;
    };
    switch (act) {
      case "round":
        this.#round++;
        return await answer(this.#update());
      case "evaluate":
        return await answer(this.#update({}, MessageCode.EvaluateParams));
      case "same round":
        return await answer(this.#update());
      case "wrong round":
        return await answer(this.#update({ round: Number(value) }));
      case "values":
        this.#round++;
        return await answer(this.#update({ parameters: this.#vector(String(value)) }));
      case "evaluate values":
        return await answer(
          this.#update({ parameters: this.#vector(String(value)) }, MessageCode.EvaluateParams),
        );
      case "length": {
        const { length } = this.#options.manifest;
        const wrong = Number(value) === 0 ? 0 : Math.max(1, length + Number(value));
        return await answer(this.#update({ parameters: new Float32Array(wrong) }));
      }
      case "control":
        return await answer(this.#update({ control: this.#vector("NaN") }));
      case "plan":
        this.#round++;
        return await answer(this.#update({ plan: unfitPlan(String(value)) }));
      case "flood":
        if (value === "rounds" || value === "evaluations") {
          const code = value === "rounds"
            ? MessageCode.ParameterUpdate
            : MessageCode.EvaluateParams;
          return await this.#pour(
            channel,
            function* (this: MaliciousServer) {
              for (let i = 0; i < count; i++) {
                if (value === "rounds") this.#round++;
                yield this.#update({}, code);
              }
            }.call(this),
          );
        }
        await this.#misbehave(line, act, { count, value });
        return true;
      case "stall":
        await this.#stall(line, this.#update(), at);
        return false;
      case "dribble":
        await this.#dribble(line, this.#update());
        return false;
      case "exit while training":
        this.#round++;
        this.hasSaidExit = true;
        await channel.write(concat(this.#update(), exit()));
        await receive();
        return false;
      case "exit twice":
        this.hasSaidExit = true;
        await channel.write(concat(exit(), exit()));
        await receive();
        return false;
      case "close inside a frame": {
        const frame = this.#update();
        await channel.write(frame.slice(0, Math.min(frame.length - 1, 1 + at * frame.length)));
        return false;
      }
      default:
        await this.#misbehave(line, act, { count, value });
        return false;
    }
  }

  /** What a server can do at any time. */
  async #misbehave(
    line: Line,
    act: string,
    { count, value }: { count: number; value: Choice["value"] },
  ): Promise<void> {
    const { channel } = line;
    switch (act) {
      case "silence":
        return await this.#silence(line);
      case "beats only":
        return await this.#beats(line);
      case "exit":
        this.hasSaidExit = true;
        await channel.write(exit());
        return await this.#pause(300);
      case "error":
        await channel.write(error(words(count), true));
        return await this.#pause(300);
      case "flood": {
        const beat = frameOf({ code: MessageCode.Heartbeat, payload: {} });
        const frame = value === "errors" ? error(words(3000), false) : beat;
        for (let i = 0; i < count; i += 10) {
          await channel.write(concat(...Array<Bytes>(10).fill(frame)));
        }
        return;
      }
      case "garbage":
        await channel.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n".repeat(10)));
        return await this.#pause(300);
      case "giant frame":
        await channel.write(framed(MessageCode.ParameterUpdate, new Uint8Array(8), 1n << 62n));
        return await this.#pause(300);
      case "unknown code":
        await channel.write(framed(99, new Uint8Array(8)));
        return await this.#pause(300);
      case "unexpected code":
        await channel.write(frameOf({ code: MessageCode.ParameterRequest, payload: {} }));
        return await this.#pause(300);
    }
  }

  /** Writes without reading; false when the client neither reads nor goes. */
  async #pour(channel: Channel, frames: Iterable<Bytes>): Promise<boolean> {
    let isDone = false;
    const writing = (async () => {
      for (const frame of frames) await channel.write(frame);
      isDone = true;
    })();
    writing.catch(() => {/* it has gone */});
    await Promise.race([writing, this.#pause(BEATS_SECONDS * 1000)]);
    if (!isDone && !this.#stop.signal.aborted) {
      this.borne.push(`${this.acts.at(-1)}, without reading`);
    }
    return isDone;
  }

  /** Says nothing, until the client goes. */
  async #silence({ connection }: Line): Promise<void> {
    let isThere = true;
    const gone = (async () => {
      try {
        while (await connection.receive() !== null);
      } catch { /* it has gone */ }
      isThere = false;
    })();
    await Promise.race([gone, this.#pause(BEATS_SECONDS * 1000)]);
    if (isThere && !this.#stop.signal.aborted) this.borne.push(this.acts.at(-1) ?? "");
  }

  /** Writes piece by piece, with pauses, until the client goes. */
  async #trickle(line: Line, pieces: Iterable<Bytes>, millis: number): Promise<void> {
    let isOver = false;
    const writing = (async () => {
      for (const piece of pieces) {
        if (isOver || this.#stop.signal.aborted) return;
        await line.channel.write(piece);
        await this.#pause(millis);
      }
    })().catch(() => {/* it has gone */});
    await this.#silence(line);
    isOver = true;
    await writing;
  }

  async #beats(line: Line): Promise<void> {
    const beat = frameOf({ code: MessageCode.Heartbeat, payload: {} });
    const count = 2 * BEATS_SECONDS / VICTIM_HEARTBEAT_SECONDS;
    await this.#trickle(line, Array<Bytes>(count).fill(beat), VICTIM_HEARTBEAT_SECONDS * 500);
  }

  async #stall(line: Line, frame: Bytes, at: number): Promise<void> {
    const from = Math.min(frame.length - 1, Math.ceil(at * frame.length));
    if (from > 0) await line.channel.write(frame.slice(0, from));
    await this.#silence(line);
  }

  /** One byte after the other, below what a frame must come in at. */
  async #dribble(line: Line, frame: Bytes): Promise<void> {
    const pieces = Array.from(frame.subarray(0, BEATS_SECONDS * 20), (byte) => Uint8Array.of(byte));
    await this.#trickle(line, pieces, 50);
  }

  async #assignment(): Promise<IdAssignmentPayload> {
    const { manifest, model } = this.#options;
    return {
      ...(model && { model: { ...model } }),
      rank: 1,
      worldSize: 2,
      rounds: 100,
      run: "run",
      token: TOKEN,
      heartbeatSeconds: VICTIM_HEARTBEAT_SECONDS,
      seed: 1,
      strategy: "fedavg",
      plan: DEFAULT_PLAN,
      manifest: manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
        name,
        shape,
        dtype,
        trainable,
      })),
      manifestDigest: await manifest.digest(),
    };
  }

  #vector(value: string): Float32Array<ArrayBuffer> {
    const number = value.endsWith(" norms") ? Number(value.slice(0, -6)) : Number(value);
    return new Float32Array(this.#options.manifest.length).fill(number);
  }

  #update(
    fields: Record<string, unknown> = {},
    code:
      | typeof MessageCode.ParameterUpdate
      | typeof MessageCode.EvaluateParams = MessageCode.ParameterUpdate,
  ): Bytes {
    const round = Math.max(1, this.#round);
    this.rounds++;
    return frameOf({ code, payload: { round, parameters: this.#vector("0.5"), ...fields } });
  }

  async #pause(millis: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millis);
    const wake = () => resolve();
    this.#stop.signal.addEventListener("abort", wake, { once: true });
    if (this.#stop.signal.aborted) resolve();
    await promise;
    this.#stop.signal.removeEventListener("abort", wake);
    clearTimeout(timer);
  }
}

function exit(): Bytes {
  return frameOf({ code: MessageCode.Exit, payload: { reason: words(100) } });
}

function error(message: string, fatal: boolean): Bytes {
  return frameOf({ code: MessageCode.Error, payload: { fault: "non-finite", message, fatal } });
}

function unfitPlan(field: string): Record<string, unknown> {
  const unfit: Record<string, unknown> = {
    epochs: 0,
    learningRate: NaN,
    rule: { name: "no such rule" },
    batchSize: -1,
  };
  return { ...DEFAULT_PLAN, [field]: field in unfit ? unfit[field] : 1 };
}

/** Schema whose columns the victim's data do not have. */
const SCHEMA: Schema = {
  format: "fedlab.schema/1",
  inputs: [{ name: "age", kind: "number", unit: "years" }, { name: "smoker", kind: "boolean" }],
  target: { name: "ill", task: "classification", classes: ["no", "yes"] },
};
const SCHEMA_DIGEST = await schemaDigest(SCHEMA);

/** A field of an assignment with a value that no client can use. */
function unfit(field: string): Record<string, unknown> {
  const tensor = (shape: number[]) => ({ name: "w", shape, dtype: "float32", trainable: true });
  switch (field) {
    case "rank":
      return { rank: 2 ** 40 };
    case "worldSize":
      return { worldSize: -1 };
    case "rounds":
      return { rounds: 0.5 };
    case "manifest":
      return { manifest: [tensor([2 ** 30]), tensor([2 ** 30])] };
    case "large manifest":
      return {
        manifest: Array.from({ length: 5000 }, (_, i) => ({ ...tensor([1]), name: `w${i}` })),
      };
    case "digest":
      return { manifestDigest: "00".repeat(32) };
    case "no schema":
      return { schema: { format: SCHEMA.format }, schemaDigest: SCHEMA_DIGEST };
    case "schema of another format":
      return { schema: { ...SCHEMA, format: words(64) }, schemaDigest: SCHEMA_DIGEST };
    case "schema of another digest":
      return { schema: { ...SCHEMA }, schemaDigest: "00".repeat(32) };
    case "schema of named columns":
      return { schema: { ...SCHEMA }, schemaDigest: SCHEMA_DIGEST };
    case "mode":
      return { mode: "async" };
    case "seed":
      return { seed: -1 };
    case "run":
      return { run: words(64) };
    default:
      return { plan: unfitPlan(field) };
  }
}

/** A model's description that cannot be built, or is too large. */
function unfitModel(kind: string): Record<string, unknown> {
  const dense = (units: number, more = {}) => ({
    class_name: "Dense",
    config: { name: "d", units, batch_input_shape: [null, 64], ...more },
  });
  const sequential = (layers: unknown) => ({ class_name: "Sequential", config: { layers } });
  const described = (topology: unknown, format = "tfjs-layers") => ({
    format,
    topology,
    loss: "softmaxCrossEntropy",
  });
  let nested: Record<string, unknown> = dense(10);
  for (let i = 0; i < 10; i++) nested = sequential([nested]);
  switch (kind) {
    case "wide":
      return described(sequential([dense(10_000_000)]));
    case "shape":
      return described(sequential([dense(10, { batch_input_shape: [null, 2 ** 31] })]));
    case "class":
      return described(sequential([{ class_name: "Lambda", config: { name: "x" } }]));
    case "nested":
      return described(nested);
    case "format":
      return described(sequential([dense(10)]), "onnx");
    default:
      return described({ class_name: "Sequential", config: {} });
  }
}
