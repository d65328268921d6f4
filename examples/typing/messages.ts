/** Messages between the page and its worker. */

/** Wish for a text, by the model of now. */
export interface Wish {
  readonly type: "write";
  /** Number of the wish: a later one takes the place of those before. */
  readonly id: number;
  /** Text to go on with. */
  readonly text: string;
  readonly temperature: number;
  readonly seed: number;
  /** Most characters to write. */
  readonly length: number;
  /** Ends before the line does. */
  readonly isLine: boolean;
}

/** Message from the page. */
export type ToWriter =
  | {
    readonly type: "fetch";
    /** Address of a run's folder. */
    readonly url: string;
    /** Address of the texts that the model was trained on, if the server has them. */
    readonly texts: string;
  }
  | {
    /** Opens the model of files: `model.safetensors`, and `model.json` and `schema.json`. */
    readonly type: "open";
    readonly files: readonly File[];
  }
  | Wish;

/** Message from the worker. */
export type FromWriter =
  | {
    /** The model is there. */
    readonly type: "opened";
    /** Number of the symbols that it knows. */
    readonly symbols: number;
    readonly kind: "characters" | "bytes";
    readonly mode: "lines" | "windows";
  }
  | {
    /** There is no such model; the one before stays. */
    readonly type: "failed";
    readonly message: string;
  }
  | {
    /** Text so far. */
    readonly type: "written";
    readonly id: number;
    readonly text: string;
    readonly isDone: boolean;
    /** Characters that the model writes in a second. */
    readonly perSecond: number;
  }
  | {
    readonly type: "compared";
    readonly id: number;
    /** Longest part of the text that the model's training texts have too. */
    readonly part: string;
  }
  | {
    /** The wish cannot be met. */
    readonly type: "refused";
    readonly id: number;
    readonly message: string;
  };
