/** Bank of a federation whose members are pages and programs. */

import {
  type ClientEvent,
  ClientSyncTop,
  type Dataset,
  errorMessage,
  type ModelDescription,
  NativeSGDHandler,
  silentLogger,
} from "@fedlab/core";
import {
  type LabelledTexts,
  parseLabelledTexts,
  type Schema,
  TextTokenizer,
  tokenDataset,
  type TokenizedTexts,
} from "@fedlab/core/data";
import { EncoderBase } from "@fedlab/core/encoder";
import type { Facts } from "./facts.ts";
import { type Stage, STAGES } from "./stages.ts";

/** One question in so many of a bank's own is to test on. */
const SHARE = 5;

/** Encoder and names of the intents, which all banks have. */
export interface Shared {
  readonly facts: Facts;
  readonly base: EncoderBase;
  readonly tokenizer: TextTokenizer;
}

/** Questions of a bank. */
export interface Questions {
  readonly train: Dataset;
  /** Questions that it does not train on. */
  readonly test: Dataset;
  /** Sentences about what questions have lost. */
  readonly notes: readonly string[];
}

/**
 * Opens the encoder of a server of pages. It is fetched once: a page keeps it in the files of its
 * origin, a program in the user's cache folder.
 *
 * @param origin Address of the server, `http://HOST:PORT`.
 * @param onBytes Called with the number of bytes that have come.
 */
export async function openShared(
  origin: string,
  onBytes: (bytes: number, facts: Facts) => void = () => {},
): Promise<Shared> {
  const facts: Facts = await (await get(`${origin}/facts.json`)).json();
  const { sha256, bytes } = facts.encoder.base;
  const [tokenizer, base] = await Promise.all([
    get(`${origin}/tokenizer.json`).then((answer) => answer.bytes())
      .then((file) => TextTokenizer.open(file, facts.tokenizer)),
    EncoderBase.open({
      ...{ sha256, bytes, url: `${origin}/model.safetensors` },
      onProgress: (progress) => onBytes(progress.bytes, facts),
    }),
  ]);
  return { facts, base, tokenizer };
}

/** Fetches the questions of a part, such as `1/3`, and divides them into tokens. */
export async function fetchQuestions(
  origin: string,
  part: string,
  shared: Shared,
): Promise<Questions> {
  const read = async (use: string): Promise<LabelledTexts> => {
    const bytes = await (await get(`${origin}/${use}.csv?part=${part}`)).bytes();
    return parseLabelledTexts(bytes, { name: `${use}.csv`, labelColumn: "category" });
  };
  return tokenize(await read("train"), await read("test"), shared);
}

/**
 * Reads questions of a bank's own, each fifth of which is to test on: a table or JSON lines with a
 * `text` and an intent.
 *
 * @throws {SyntaxError | RangeError} If a question is malformed, its intent is none of the run's,
 * or there are fewer than five.
 */
export function readQuestions(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  shared: Shared,
): Questions {
  const all = parseLabelledTexts(bytes, { name });
  const count = all.texts.length;
  if (count < SHARE) {
    throw new RangeError(`Cannot use ${name}: expected at least ${SHARE} questions, got ${count}`);
  }
  const pick = (isTest: boolean): LabelledTexts => {
    const isMeant = (_: string, i: number) => (i % SHARE === SHARE - 1) === isTest;
    return { texts: all.texts.filter(isMeant), labels: all.labels.filter(isMeant) };
  };
  return tokenize(pick(false), pick(true), shared);
}

function tokenize(
  train: LabelledTexts,
  test: LabelledTexts,
  { tokenizer, facts: { classes } }: Shared,
): Questions {
  const parts = [train, test].map((texts) => tokenDataset(texts, { tokenizer, classes }));
  const count = (of: (texts: TokenizedTexts) => number) =>
    parts.reduce((sum, texts) => sum + of(texts), 0);
  const cut = count(({ cutTexts }) => cutTexts), empty = count(({ emptyTexts }) => emptyTexts);
  const unknown = count(({ unknownTokens }) => unknownTokens);
  const [ofTrain, ofTest] = parts.map(({ data }) => data);
  if (ofTrain === undefined || ofTest === undefined) throw new Error("Cannot use the questions");
  return {
    train: ofTrain,
    test: ofTest,
    notes: [
      ...cut > 0 ? [`Questions that are cut to ${tokenizer.maxTokens} tokens: ${cut}.`] : [],
      ...empty > 0 ? [`Empty questions: ${empty}.`] : [],
      ...unknown > 0 ? [`Tokens that the encoder does not know: ${unknown}.`] : [],
    ],
  };
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url).catch((cause) => {
    throw new Error(`Cannot fetch ${url}: ${errorMessage(cause)}`, { cause });
  });
  if (response.ok) return response;
  const reason = await response.text();
  throw new Error(`Cannot fetch ${url}: ${reason.trim() || response.status}`);
}

/** Handler of a bank: it knows which model is trained. */
export class BankHandler extends NativeSGDHandler {
  #model: ModelDescription | undefined;

  constructor({ base }: Shared, { train, test }: Questions) {
    super({ base, data: train, testData: test });
  }

  override async setUp(model: ModelDescription | undefined, schema?: Schema): Promise<void> {
    await super.setUp(model, schema);
    this.#model = model;
  }

  /** Model of the run. */
  get model(): ModelDescription | undefined {
    return this.#model;
  }
}

/** Place of a bank in a federation. */
export interface Seat {
  /** Address of the server, `http://HOST:PORT`. */
  readonly origin: string;
  /** Number of the bank, from 1. */
  readonly rank: number;
  readonly onEvent?: (event: ClientEvent, stage: Stage) => void;
  /** Called with what goes wrong and is tried again, such as a connection that is lost. */
  readonly onWarning?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** Takes part in the runs of a federation, from the one on that goes on now. */
export async function takePart(
  handler: BankHandler,
  { facts: { stage: first } }: Shared,
  { origin, rank, onEvent, onWarning, signal }: Seat,
): Promise<void> {
  for (const stage of STAGES.slice(STAGES.indexOf(first))) {
    // The server of a run begins to listen when the one before is over: until then it is tried.
    const client = new ClientSyncTop(handler, {
      serverAddr: `${origin.replace(/^http/, "ws")}/federation/${stage}`,
      ...{ rank, distBackend: "websocket", loggerFile: "" },
      logger: { ...silentLogger, warn: (message) => onWarning?.(message) },
      onEvent: (event) => onEvent?.(event, stage),
    });
    await client.run(signal ? { signal } : {});
  }
}
