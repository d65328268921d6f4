import {
  CALIBRATION_BINS,
  type ClassSums,
  confusionLength,
  MAX_COUNTED_CLASSES,
  MAX_SCORED_CLASSES,
  numScores,
} from "../../plan/metric_sums.ts";
import { type ClassScores, classScores } from "../../params/class_scores.ts";
import { answerOf, type OutputKind } from "../losses/loss.ts";
import { mostBins, ScoreTally } from "./score_histogram.ts";
import { type RowScores, scorer, surprise } from "./scores.ts";

/** Options of {@linkcode ClassTally}. */
interface ClassTallyOptions {
  readonly task: ClassSums["task"];
  readonly output: Exclude<OutputKind, "measure">;
  /** Number of output values of the model for a row. */
  readonly units: number;
}

/** Sums over the rows of a classifier's evaluation. */
export class ClassTally {
  readonly #task: ClassSums["task"];
  readonly #outputs: number;
  readonly #units: number;
  readonly #kind: Exclude<OutputKind, "measure">;
  /** Computes the scores of a row; `undefined` for logits of classes, which a kernel takes. */
  readonly #score: ((output: Float32Array, row: number) => RowScores) | undefined;
  readonly #calibration = new Float64Array(3 * CALIBRATION_BINS);
  readonly #confusion: Float64Array | undefined;
  readonly #tallies: readonly ScoreTally[];
  #samples = 0;
  #correct = 0;
  #logLoss = 0;
  #brier = 0;

  /** Makes sums of no rows. */
  constructor({ task, output, units }: ClassTallyOptions) {
    const isBinary = task === "classification" && (output === "logit" || output === "probability");
    const outputs = isBinary ? 2 : units, shape = { task, outputs };
    this.#task = task;
    this.#outputs = outputs;
    this.#units = units;
    this.#kind = output;
    if (output !== "logits") this.#score = scorer(output, units, isBinary);
    if (outputs <= MAX_COUNTED_CLASSES) this.#confusion = new Float64Array(confusionLength(shape));
    const scores = outputs <= MAX_SCORED_CLASSES ? numScores(shape) : 0;
    this.#tallies = Array.from({ length: scores }, () => new ScoreTally(mostBins(scores)));
  }

  /** Adds rows of the model's output, with their targets. */
  add(output: Float32Array, targets: Int32Array | Float32Array): void {
    const rows = output.length / this.#units, score = this.#score;
    if (this.#task === "classification" && targets.some((label) => label < 0)) {
      return this.add(...withLabels(output, targets, this.#units));
    }
    this.#samples += rows;
    if (score === undefined) {
      const labels = targets instanceof Int32Array ? targets : Int32Array.from(targets);
      const take = this.#addScores.bind(this);
      return classScores(output, labels.subarray(0, rows), this.#units, take);
    }
    for (let row = 0; row < rows; row++) {
      const scores = score(output, row);
      if (this.#task === "classification") {
        const answer = answerOf(this.#kind, output, row, this.#units);
        this.#addClass(scores, targets[row] ?? 0, answer);
      } else this.#addLabels(scores, targets.subarray(row * this.#units, (row + 1) * this.#units));
    }
  }

  /** The sums; `undefined` where an output was not a number. */
  get sums(): ClassSums | undefined {
    const calibration = [...this.#calibration];
    if (!Number.isFinite(this.#logLoss + this.#brier)) return undefined;
    return {
      task: this.#task,
      outputs: this.#outputs,
      samples: this.#samples,
      correct: this.#correct,
      logLoss: this.#logLoss,
      brier: this.#brier,
      calibration,
      ...(this.#confusion && { confusion: [...this.#confusion] }),
      ...(this.#tallies.length > 0 && {
        scores: this.#tallies.map(({ histogram }) => histogram),
      }),
    };
  }

  #addScores({ rows, figures, codes }: ClassScores, labels: Int32Array): void {
    const outputs = this.#outputs, confusion = this.#confusion, tallies = this.#tallies;
    for (let row = 0, at = 0; row < rows; row++) {
      const brier = figures[at++] ?? NaN, logit = figures[at++] ?? NaN;
      const confidence = figures[at++] ?? NaN, answer = figures[at++] ?? NaN;
      const label = labels[row] ?? 0;
      // Both classes of two have the same error: one of them counts, as is usual.
      this.#brier += outputs === 2 ? brier / 2 : brier;
      this.#logLoss += surprise(logit);
      if (answer === label) this.#correct++;
      this.#calibrate(confidence, answer === label);
      increment(confusion, label * outputs + answer);
    }
    for (let i = 0; i < tallies.length; i++) {
      const scored = tallies.length === 1 ? 1 : i;
      tallies[i]?.addCodes(codes.subarray(scored * rows, (scored + 1) * rows));
    }
  }

  #addClass({ probabilities, logits }: RowScores, label: number, answer: number): void {
    let brier = 0;
    for (let i = 0; i < probabilities.length; i++) {
      const p = probabilities[i] ?? NaN;
      brier += (p - (i === label ? 1 : 0)) ** 2;
    }
    const isRight = answer === label;
    // Both classes of two have the same error: one of them counts, as is usual.
    this.#brier += this.#outputs === 2 ? brier / 2 : brier;
    this.#logLoss += surprise(logits[label] ?? NaN);
    if (isRight) this.#correct++;
    this.#calibrate(probabilities[answer] ?? NaN, isRight);
    increment(this.#confusion, label * this.#outputs + answer);
    const { length } = this.#tallies;
    for (let i = 0; i < length; i++) {
      const scored = length === 1 ? 1 : i;
      this.#tallies[i]?.add(logits[scored] ?? NaN, label === scored);
    }
  }

  #addLabels({ probabilities, logits }: RowScores, targets: Int32Array | Float32Array): void {
    const { length } = targets;
    let right = 0;
    for (let i = 0; i < length; i++) {
      const p = probabilities[i] ?? NaN, logit = logits[i] ?? NaN, holds = targets[i] === 1;
      const answer = logit > 0;
      this.#brier += (p - (holds ? 1 : 0)) ** 2 / length;
      this.#logLoss += surprise(holds ? logit : -logit) / length;
      if (answer === holds) right++;
      this.#calibrate(answer ? p : 1 - p, answer === holds);
      increment(this.#confusion, 4 * i + 2 * Number(holds) + Number(answer));
      this.#tallies[i]?.add(logit, holds);
    }
    if (right === length) this.#correct++;
  }

  #calibrate(confidence: number, isRight: boolean): void {
    const at = 3 * Math.min(CALIBRATION_BINS - 1, Math.floor(confidence * CALIBRATION_BINS));
    increment(this.#calibration, at);
    increment(this.#calibration, at + 1, confidence);
    if (isRight) increment(this.#calibration, at + 2);
  }
}

/** Returns the rows of a classifier's output that have a label, with the labels. */
function withLabels(
  output: Float32Array,
  targets: Int32Array | Float32Array,
  units: number,
): [output: Float32Array, labels: Int32Array] {
  const labels = Int32Array.from(targets).filter((label) => label >= 0);
  const kept = new Float32Array(labels.length * units);
  for (let row = 0, to = 0; row < targets.length; row++) {
    if ((targets[row] ?? 0) < 0) continue;
    kept.set(output.subarray(row * units, (row + 1) * units), units * to++);
  }
  return [kept, labels];
}

function increment(counts: Float64Array | undefined, at: number, by = 1): void {
  if (counts) counts[at] = (counts[at] ?? 0) + by;
}
