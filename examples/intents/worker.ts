/**
 * Worker of the page: a bank of a federation that also tells the intents of questions.
 *
 * @module
 */

import { errorMessage, type EvaluateResult, type TrainPlan, type TrainResult } from "@fedlab/core";
import type { Inference } from "@fedlab/core/encoder";
import {
  BankHandler,
  fetchQuestions,
  openShared,
  type Questions,
  readQuestions,
  type Shared,
  takePart,
} from "./bank.ts";
import type { Answer, FromBank, ToBank } from "./messages.ts";
import type { Stage } from "./stages.ts";

/** Number of intents in an answer. */
const BEST = 3;
/** Bytes after which the page is told how much of the encoder has come. */
const TOLD_BYTES = 2 ** 20;

const scope = self as unknown as DedicatedWorkerGlobalScope;

function tell(message: FromBank): void {
  scope.postMessage(message);
}

/** `BankHandler` that reports to the page, and answers by the global model. */
class PageHandler extends BankHandler {
  readonly #shared: Shared;
  #inference: Inference | undefined;
  #round = 0;
  /** Run that goes on. */
  stage: Stage = "head";

  constructor(shared: Shared, questions: Questions) {
    super(shared, questions);
    this.#shared = shared;
  }

  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const { stage } = this;
    this.#round = plan.round + (stage === "head" ? 0 : this.#shared.facts.rounds.head);
    await this.#keep();
    tell({ type: "training", round: this.#round, stage });
    return await super.train(plan, signal);
  }

  /** Evaluates the new global model; the server requests it after each round. */
  override async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const result = await super.evaluate(signal);
    await this.#keep();
    tell({ type: "evaluated", round: this.#round, accuracy: result.accuracy ?? 0 });
    return result;
  }

  /** Keeps the model of now to answer by, while the other one is trained. */
  async #keep(): Promise<void> {
    if (this.model === undefined) return;
    const stored = { manifest: this.manifest, parameters: this.parameters.slice() };
    const inference = await this.#shared.base.createInference(this.model, stored);
    this.#inference?.[Symbol.dispose]();
    this.#inference = inference;
  }

  /** Gives the most probable intents of a question; `undefined` before there is a model. */
  answer(question: string): Answer | undefined {
    if (this.#inference === undefined) return undefined;
    const { tokenizer, facts: { classes } } = this.#shared;
    const { ids, cut, unknown } = tokenizer.encode(question);
    const features = new Float32Array(tokenizer.maxTokens);
    features.set(ids);
    const logits = this.#inference.run(features, [tokenizer.maxTokens]);
    const largest = Math.max(...logits);
    const odds = Array.from(logits, (logit) => Math.exp(logit - largest));
    const sum = odds.reduce((total, one) => total + one, 0);
    const best = classes.map((name, i) => [name, (odds[i] ?? 0) / sum] as const)
      .sort((a, b) => b[1] - a[1]).slice(0, BEST);
    return { type: "answer", question, best, cut, unknown };
  }
}

let handler: PageHandler | undefined;
const leaving = new AbortController();

async function join({ origin, part, file }: ToBank & { type: "join" }): Promise<void> {
  let told = 0;
  const shared = await openShared(origin, (bytes, { encoder: { base: { bytes: total } } }) => {
    if (bytes - told < TOLD_BYTES && bytes < total) return;
    told = bytes;
    tell({ type: "fetching", bytes, total });
  });
  leaving.signal.throwIfAborted();
  const { classes, rounds } = shared.facts;
  const questions = file === undefined
    ? await fetchQuestions(origin, part, shared)
    : readQuestions(new Uint8Array(await file.arrayBuffer()), file.name, shared);
  tell({
    type: "loaded",
    questions: questions.train.length,
    testQuestions: questions.test.length,
    intents: new Set(questions.train.labels).size,
    allIntents: classes.length,
    rounds: rounds.head + rounds.adapters,
    notes: questions.notes,
  });
  const bank = handler = new PageHandler(shared, questions);
  await takePart(bank, shared, {
    origin,
    rank: Number(part.split("/")[0]),
    signal: leaving.signal,
    onWarning: (message) => tell({ type: "waiting", message }),
    onEvent(event, stage) {
      if (event.type !== "joined") return;
      bank.stage = stage;
      tell({ type: "joined", rank: event.rank, banks: event.worldSize - 1 });
    },
  });
  tell({ type: "over" });
}

scope.onmessage = async ({ data }: MessageEvent<ToBank>) => {
  if (data.type === "leave") leaving.abort(new Error("the page left"));
  else if (data.type === "ask") {
    const answer = handler?.answer(data.question);
    if (answer !== undefined) tell(answer);
  } else {
    await join(data).catch((error) =>
      tell(
        leaving.signal.aborted
          ? { type: "left" }
          : { type: "failed", message: errorMessage(error) },
      )
    );
  }
};
