/**
 * Steps of a run that take time, for those who observe them.
 *
 * @module
 */

import type { Rank } from "./rank.ts";

/**
 * Name of a step.
 *
 * A simulation has none of single clients, and a client `"train"`, `"evaluate"` and `"send"` alone.
 */
export type StepName =
  | "round"
  | "select"
  | "train"
  | "send"
  | "receive"
  | "fold"
  | "evaluate"
  | "checkpoint";

/** Step of a run. */
export interface Step {
  /** Name of the step. */
  readonly name: StepName;
  /** The round, from 1. */
  readonly round: number;
  /** At a server, the client that the step is about; absent for a step of the whole round. */
  readonly rank?: Rank;
  /** At a server, what the client is sent parameters for. */
  readonly work?: "train" | "evaluate";
  /** At a client, the trace context that the server has sent with the step's parameters. */
  readonly parent?: string | undefined;
}

/** Function that ends a step, with the error that it has ended with, if any. */
export type EndStep = (error?: unknown) => void;

/** Observer of the steps of a run. Its methods must not throw. */
export interface Tracer {
  /** Begins a step; the result ends it. */
  begin(step: Step): EndStep;
  /**
   * Trace context of the round under way, which a server sends along with the parameters;
   * `undefined` sends none. W3C Trace Context, the value of `traceparent`: 55 characters.
   */
  readonly context?: string | undefined;
}

/** Does the work of a step, and tells an observer of it, if there is one. */
export async function traced<Result>(
  tracer: Tracer | undefined,
  step: Step,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  if (tracer === undefined) return await work();
  const end = tracer.begin(step);
  try {
    const result = await work();
    end();
    return result;
  } catch (error) {
    end(error);
    throw error;
  }
}
