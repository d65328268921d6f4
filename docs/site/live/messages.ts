/** Messages between the first page and its workers. */

/** Message to a worker, with a port for each connection. */
export type ToWorker =
  | {
    readonly type: "serve";
    /** One end of a channel for each client. */
    readonly ports: readonly MessagePort[];
    readonly rounds: number;
  }
  | {
    readonly type: "join";
    /** The other end of the channel to the server. */
    readonly port: MessagePort;
    /** Rank of the client, from 1. */
    readonly rank: number;
    readonly clients: number;
  };

/** Message from a worker. */
export type FromWorker =
  | {
    /** The client has its data. */
    readonly type: "loaded";
    readonly samples: number;
    readonly labels: readonly number[];
  }
  | { readonly type: "training"; readonly round: number }
  | { readonly type: "trained"; readonly round: number; readonly accuracy: number }
  | {
    /** The server has a new global model. */
    readonly type: "round";
    readonly round: number;
    readonly accuracy: number;
    readonly bytes: number;
  }
  | { readonly type: "over" }
  | { readonly type: "failed"; readonly message: string };
