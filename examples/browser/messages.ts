/** Messages between the page and its worker. */

/** Message from the page. */
export type ToClient =
  | {
    readonly type: "join";
    /** Address of the server, `ws://HOST:PORT/PATH`. */
    readonly server: string;
    /** Number of this page's part of the digits, from 1. */
    readonly part: number;
    /** Number of parts. */
    readonly parts: number;
  }
  | { readonly type: "leave" }
  | {
    /** Requests the reading of a picture. */
    readonly type: "read";
    /** 64 values from 0 to 16, row by row. */
    readonly pixels: readonly number[];
  };

/** Message from the worker. */
export type FromClient =
  | {
    readonly type: "loaded";
    /** Number of digits that this page trains on. */
    readonly samples: number;
    /** Digits that occur among them. */
    readonly labels: readonly number[];
    /** Number of test digits. */
    readonly testSamples: number;
  }
  | {
    readonly type: "joined";
    readonly rank: number;
    readonly worldSize: number;
    readonly rounds: number;
  }
  | { readonly type: "training"; readonly round: number }
  | {
    /** This page's model after training, before the server aggregates. */
    readonly type: "trained";
    readonly round: number;
    /** Accuracy on the test digits, 0 to 1. */
    readonly accuracy: number;
  }
  | {
    /** The global model after a round. */
    readonly type: "evaluated";
    readonly round: number;
    /** Accuracy on the test digits, 0 to 1. */
    readonly accuracy: number;
  }
  | {
    readonly type: "reading";
    /** Probability of each digit, by the global model. */
    readonly probabilities: readonly number[];
  }
  | { readonly type: "over" }
  | { readonly type: "left" }
  | { readonly type: "failed"; readonly message: string };
