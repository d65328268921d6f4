import type { Dataset } from "../data/dataset.ts";
import { checkRows } from "./rows.ts";
import type { SGDHandlerOptions } from "./sgd_options.ts";

/** Data of {@linkcode Samples}. */
export interface SamplesOptions extends Pick<SGDHandlerOptions, "rows" | "testData" | "testRows"> {
  /** Training data. */
  data: Dataset;
}

/** Training and test samples of a handler. */
export class Samples {
  /** Training data. */
  readonly data: Dataset;
  /** Rows of the data to train on; `undefined` for all of them. */
  readonly rows: Uint32Array | undefined;
  readonly #testData: Dataset | undefined;
  readonly #testRows: Uint32Array | undefined;

  private constructor({ data, rows, testData, testRows }: SamplesOptions) {
    checkRows(data, rows);
    if (testRows) checkRows(data, testRows);
    this.data = data;
    this.rows = rows;
    this.#testData = testData;
    this.#testRows = testRows;
  }

  /**
   * Checks the samples of a new handler.
   *
   * @throws {RangeError} If there are no rows, or a feature is not finite.
   */
  static of(options: SamplesOptions): Samples {
    const { data, rows, testData, testRows } = options;
    if ([rows ?? data, testData, testRows].some((samples) => samples?.length === 0)) {
      throw new RangeError("Cannot make a handler: expected data of at least one row, got 0 rows");
    }
    const samples = new Samples(options);
    if (testData) checkRows(testData);
    return samples;
  }

  /** The data, as they were given. */
  get options(): SamplesOptions {
    return {
      data: this.data,
      ...(this.rows && { rows: this.rows }),
      ...(this.#testData && { testData: this.#testData }),
      ...(this.#testRows && { testRows: this.#testRows }),
    };
  }

  /** Number of training samples. */
  get length(): number {
    return (this.rows ?? this.data).length;
  }

  /** Data and rows to evaluate on; `undefined` for the training samples. */
  get test(): { readonly data: Dataset; readonly rows?: Uint32Array } | undefined {
    if (this.#testData) return { data: this.#testData };
    return this.#testRows && { data: this.data, rows: this.#testRows };
  }

  /**
   * Returns samples with other training data, and the same `testData`.
   *
   * @throws {RangeError} If there are no rows, a feature is not finite, or the data has another
   * shape or more classes.
   */
  replace(data: Dataset, rows?: Uint32Array, testRows?: Uint32Array): Samples {
    const testData = this.#testData;
    if ((rows ?? data).length === 0 || testRows?.length === 0) {
      throw new RangeError("Cannot use the data: expected at least one row, got 0 rows");
    }
    if (data !== this.data) this.#checkAlike(data);
    return new Samples({
      data,
      ...rows && { rows },
      ...testData && { testData },
      ...testRows && { testRows },
    });
  }

  /** Throws a `RangeError` if data has another shape, task or more classes than these. */
  #checkAlike(data: Dataset): void {
    const { shape, numClasses, task, outputs } = this.data;
    if (data.shape.join() !== shape.join() || data.numClasses > numClasses) {
      throw new RangeError(
        `Cannot use the data: expected rows of shape [${shape}] and ${numClasses} classes, ` +
          `got [${data.shape}] and ${data.numClasses}`,
      );
    }
    if (data.task !== task || data.outputs !== outputs) {
      throw new RangeError(
        `Cannot use the data: expected the task ${task} with ${outputs} targets in a row, ` +
          `got ${data.task} with ${data.outputs}`,
      );
    }
  }
}
