/** What the page and its worker say to each other. */

/** What the page says. */
export type ToClient =
  | {
    readonly type: "join";
    /** The server's address, `ws://HOST:PORT/PATH`. */
    readonly server: string;
    /** Which part of the digits is this page's, from 1. */
    readonly part: number;
    /** Number of parts. */
    readonly parts: number;
  }
  | { readonly type: "leave" }
  | {
    /** Asks what a picture shows. */
    readonly type: "read";
    /** 64 values from 0 to 16, row after row. */
    readonly pixels: readonly number[];
  };

/** What the worker says. */
export type FromClient =
  | {
    readonly type: "loaded";
    /** Number of digits that this page trains on. */
    readonly samples: number;
    /** Which digits are among them. */
    readonly labels: readonly number[];
    /** Number of digits that nobody trains on. */
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
    /** What this page made of the model, before the server averages. */
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
    /** How likely the picture is each digit, by the global model. */
    readonly probabilities: readonly number[];
  }
  | { readonly type: "over" }
  | { readonly type: "left" }
  | { readonly type: "failed"; readonly message: string };
