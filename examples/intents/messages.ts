/** Messages between the page and its worker. Rounds are counted over all runs. */

import type { Stage } from "./stages.ts";

/** Message from the page. */
export type ToBank =
  | {
    readonly type: "join";
    /** Address of the server, `http://HOST:PORT`. */
    readonly origin: string;
    /** Number of the bank and of all, such as `1/3`: its part of the server's questions. */
    readonly part: string;
    /** Questions of the bank's own, in place of that part. */
    readonly file?: File;
  }
  | { readonly type: "leave" }
  | {
    /** Requests the intents of a question. */
    readonly type: "ask";
    readonly question: string;
  };

/** Intents of a question. */
export interface Answer {
  readonly type: "answer";
  readonly question: string;
  /** The most probable intents, with their probability from 0 to 1. */
  readonly best: readonly (readonly [name: string, probability: number])[];
  /** Number of tokens that were left out because the question is too long. */
  readonly cut: number;
  /** Number of tokens for what the vocabulary lacks. */
  readonly unknown: number;
}

/** Message from the worker. */
export type FromBank =
  | {
    /** Bytes of the encoder that have come. */
    readonly type: "fetching";
    readonly bytes: number;
    readonly total: number;
  }
  | {
    readonly type: "loaded";
    /** Number of questions that this bank trains on, and of others that it tests on. */
    readonly questions: number;
    readonly testQuestions: number;
    /** Number of intents that occur among the former, and of all. */
    readonly intents: number;
    readonly allIntents: number;
    /** Number of rounds of all runs. */
    readonly rounds: number;
    /** Sentences about what questions have lost. */
    readonly notes: readonly string[];
  }
  | {
    /** Problem after which it is tried again. */
    readonly type: "waiting";
    readonly message: string;
  }
  | { readonly type: "joined"; readonly rank: number; readonly banks: number }
  | { readonly type: "training"; readonly round: number; readonly stage: Stage }
  | {
    /** The global model after a round. */
    readonly type: "evaluated";
    readonly round: number;
    /** Accuracy on this bank's test questions, 0 to 1. */
    readonly accuracy: number;
  }
  | Answer
  | { readonly type: "over" }
  | { readonly type: "left" }
  | { readonly type: "failed"; readonly message: string };
