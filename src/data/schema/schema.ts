/**
 * Meaning of the numbers that go into a model and come out of it.
 *
 * @module
 */

import type { DataGenerator } from "./generator.ts";

/** Task of a model: what its outputs say about a row. */
export type Task = "classification" | "multi-label" | "regression";

/** Treatment of the missing values of an input. */
export interface MissingValues {
  /**
   * Policy: `error` refuses the table, `drop` leaves the row out, `constant` fills in `fill`. The
   * others fill in a figure of the whole federation, which `fill` has once it is known.
   */
  readonly policy: "error" | "drop" | "constant" | "mean" | "median" | "most-frequent";
  /** Value that is filled in; a number, or the text of a category. */
  readonly fill?: number | string | boolean;
  /**
   * Adds a feature that is 1 where the value was missing, else 0.
   *
   * @default {false}
   */
  readonly indicator?: boolean;
  /**
   * Values of this column that stand for a missing one besides those that every reader knows, in
   * canonical spelling, such as `"0"` or `"unknown"`.
   *
   * @default None.
   */
  readonly values?: readonly string[];
}

/** Shift and scale of a number: `(x - mean) / deviation`, or 0 where the deviation is 0. */
export interface Standardization {
  /** Mean. */
  readonly mean: number;
  /** Standard deviation (divided by n), 0 for a constant. */
  readonly deviation: number;
}

/** Input that is a number: one feature. */
export interface NumberInput {
  /** Name of the column. */
  readonly name: string;
  /** Kind of the input. */
  readonly kind: "number";
  /** Unit, such as `"mmHg"`. Parties that declare different units are refused. */
  readonly unit?: string;
  /** Treatment of missing values. Default: they are an error. */
  readonly missing?: MissingValues;
  /** Standardization of the values. Default: none. */
  readonly standardize?: Standardization;
}

/** Input that is one of some categories: one feature each, 1 for the row's own and 0 for others. */
export interface CategoryInput {
  /** Name of the column. */
  readonly name: string;
  /** Kind of the input. */
  readonly kind: "category";
  /** Categories, in the order of their features. */
  readonly categories: readonly string[];
  /**
   * Treatment of a category that is not listed: `error` refuses the table, `other` sets a last
   * feature.
   *
   * @default {"error"}
   */
  readonly unknown?: "error" | "other";
  /** Treatment of missing values. Default: they are an error. */
  readonly missing?: MissingValues;
}

/** Input that is true or false: one feature, 1 or 0. */
export interface BooleanInput {
  /** Name of the column. */
  readonly name: string;
  /** Kind of the input. */
  readonly kind: "boolean";
  /** Treatment of missing values. Default: they are an error. */
  readonly missing?: MissingValues;
}

/**
 * Input of several features without names of their own: the whole row of an array, an image, or a
 * sequence of symbols.
 */
export interface ArrayInput {
  /** Name of the input, such as `"features"` or `"image"`. */
  readonly name: string;
  /** Kind of the input. */
  readonly kind: "array" | "image" | "sequence";
  /** Shape of a row, such as `[64]`, `[28, 28, 1]`, or `[80]` for a sequence. */
  readonly shape: readonly number[];
  /** Names of the columns in the order of the features, where a table has them. Default: none. */
  readonly columns?: readonly string[];
  /** Factor that raw values were multiplied by, such as 1/255. Default: 1. */
  readonly scale?: number;
  /**
   * Means and deviations: one for each feature, or one for each channel of an image. Default: none.
   */
  readonly standardize?: {
    /** Means. */
    readonly mean: readonly number[];
    /** Standard deviations. */
    readonly deviation: readonly number[];
  };
  /** Symbols of a sequence, in the order of their numbers. */
  readonly vocabulary?: readonly string[];
  /** SHA-256 of the file of the tokenizer that made the numbers of a sequence, in hexadecimal. */
  readonly tokenizer?: string;
  /** Generator of the data, with what decides the classes of the rows. Default: none. */
  readonly generator?: DataGenerator;
}

/** One input of a schema. */
export type InputSchema = NumberInput | CategoryInput | BooleanInput | ArrayInput;

/** Target of a classifier. */
export interface ClassificationTarget {
  /** Name of the column, or `"label"` for data without names. */
  readonly name: string;
  /** Task of the model. */
  readonly task: "classification";
  /** Names of the classes, in the order of the model's outputs. */
  readonly classes: readonly string[];
  /**
   * Number of steps of a sequence, each of which has a class. Default: a row has one class.
   */
  readonly steps?: number;
  /** Condition that derives the class from a column, such as `"target > 0"`. */
  readonly from?: string;
  /** Values of the column that stand for a missing one, such as `"-9"`. Default: none. */
  readonly missingValues?: readonly string[];
}

/** Target of a model that says for each of several labels whether it holds. */
export interface MultiLabelTarget {
  /** Name of the target. */
  readonly name: string;
  /** Task of the model. */
  readonly task: "multi-label";
  /** Names of the labels, which are columns of true and false, in the order of the outputs. */
  readonly labels: readonly string[];
  /** Values of the labels' columns that stand for a missing one. Default: none. */
  readonly missingValues?: readonly string[];
}

/** One measure that a model predicts. */
export interface OutputSchema {
  /** Name of the column. */
  readonly name: string;
  /** Unit, such as `"EUR"`. Parties that declare different units are refused. */
  readonly unit?: string;
  /** Standardization of the measure; the model predicts the standardized one. Default: none. */
  readonly standardize?: Standardization;
  /** Values that stand for a missing one, such as `"-999"`. Default: none. */
  readonly missingValues?: readonly string[];
}

/** Target of a model that predicts measures. */
export interface RegressionTarget {
  /** Name of the target. */
  readonly name: string;
  /** Task of the model. */
  readonly task: "regression";
  /** Measures, in the order of the model's outputs. */
  readonly outputs: readonly OutputSchema[];
}

/** Target of a schema. */
export type TargetSchema = ClassificationTarget | MultiLabelTarget | RegressionTarget;

/**
 * Meaning of the numbers that a federation trains on: the inputs in the order of the features, with
 * their preprocessing, and the target. All parties of a run have the same schema.
 */
export interface Schema {
  /** Name and version of this format. */
  readonly format: "fedlab.schema/1";
  /** Inputs, in the order of the features. */
  readonly inputs: readonly InputSchema[];
  /** Target. */
  readonly target: TargetSchema;
}
