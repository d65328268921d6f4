/**
 * Worker of the page: a client of a federation that also recognizes drawings.
 *
 * @module
 */

import {
  ClientSyncTop,
  Dataset,
  errorMessage,
  type EvaluateResult,
  type ModelDescription,
  NativeSGDHandler,
  type TrainPlan,
  type TrainResult,
} from "@fedlab/core";
import type { Schema } from "@fedlab/core/data";
import type { FromClient, ToClient } from "./messages.ts";
import { partOf } from "./part.ts";

/** Largest value of a pixel. */
const MAX_PIXEL = 16;

const scope = self as unknown as DedicatedWorkerGlobalScope;

function tell(message: FromClient): void {
  scope.postMessage(message);
}

/** `NativeSGDHandler` that reports to the page and keeps the global model to recognize drawings. */
class PageHandler extends NativeSGDHandler {
  #reader: NativeSGDHandler | undefined;
  #round = 0;

  override async setUp(
    description: ModelDescription | undefined,
    schema?: Schema,
  ): Promise<void> {
    await super.setUp(description, schema);
    const blank = new Dataset(new Float32Array(64), new Int32Array(1), [8, 8, 1], 10);
    this.#reader = new NativeSGDHandler({ data: blank });
    await this.#reader.setUp(description);
  }

  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const { round } = plan;
    this.#round = round;
    // With secure aggregation the server asks for no evaluation.
    if (this.#reader !== undefined) this.#reader.parameters = this.parameters;
    tell({ type: "training", round });
    const result = await super.train(plan, signal);
    const { accuracy = 0 } = await super.evaluate(signal);
    tell({ type: "trained", round, accuracy });
    return result;
  }

  /** Evaluates the new global model; the server requests it after each round. */
  override async evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    const result = await super.evaluate(signal);
    if (this.#reader !== undefined) this.#reader.parameters = this.parameters;
    tell({ type: "evaluated", round: this.#round, accuracy: result.accuracy ?? 0 });
    return result;
  }

  /** Returns the probability of each digit, since a label's loss is minus its logarithm. */
  async read(pixels: readonly number[]): Promise<number[] | undefined> {
    if (this.#reader === undefined) return undefined;
    const features = Float32Array.from(pixels, (value) => value / MAX_PIXEL);
    const probabilities: number[] = [];
    for (let label = 0; label < 10; label++) {
      const picture = new Dataset(features, Int32Array.of(label), [8, 8, 1], 10);
      const { loss } = await this.#reader.evaluateOn(picture);
      probabilities.push(Math.exp(-loss));
    }
    return probabilities;
  }
}

let handler: PageHandler | undefined;
const leaving = new AbortController();

async function join({ server, part, parts }: ToClient & { type: "join" }): Promise<void> {
  const { train, test } = await partOf(part, parts);
  tell({
    type: "loaded",
    samples: train.length,
    labels: [...new Set(train.labels)].sort(),
    testSamples: test.length,
  });
  handler = new PageHandler({ data: train, testData: test });
  const client = new ClientSyncTop(handler, {
    serverAddr: server,
    rank: part,
    worldSize: parts + 1,
    distBackend: "websocket",
    secureMinMembers: 3,
    loggerFile: "",
    onEvent(event) {
      if (event.type === "joined") tell(event);
    },
  });
  await client.run({ signal: leaving.signal });
  tell({ type: "over" });
}

scope.onmessage = async ({ data }: MessageEvent<ToClient>) => {
  if (data.type === "leave") leaving.abort(new Error("the page left"));
  else if (data.type === "join") {
    await join(data).catch((error) =>
      tell(
        leaving.signal.aborted
          ? { type: "left" }
          : { type: "failed", message: errorMessage(error) },
      )
    );
  } else {
    const probabilities = await handler?.read(data.pixels);
    if (probabilities !== undefined) tell({ type: "reading", probabilities });
  }
};
