import {
  CALIBRATION_BINS,
  type ClassSums,
  confusionLength,
  MAX_COUNTED_CLASSES,
  MAX_SCORED_CLASSES,
  numScores,
} from "../../plan/metric_sums.ts";
import { addScores, type ClassScores, classScores, TOTALS } from "../../params/class_scores.ts";
import { answerOf, type OutputKind } from "../losses/loss.ts";
import { mostBins, ScoreTally } from "./score_histogram.ts";
import { type RowScores, scorer, surprise } from "./scores.ts";

/** Places of the totals. */
const CORRECT = 0, LOG_LOSS = 1, BRIER = 2, CALIBRATION = 3;

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
  /** Right rows, cross-entropies, Brier scores, and the three numbers of each calibration bin. */
  readonly #totals = new Float64Array(TOTALS);
  /** Answers to rows of each class, with a last column for none; four counts of each label. */
  readonly #confusion: Float64Array | undefined;
  readonly #tallies: readonly ScoreTally[];
  #samples = 0;

  /** Makes sums of no rows. */
  constructor({ task, output, units }: ClassTallyOptions) {
    const isBinary = task === "classification" && (output === "logit" || output === "probability");
    const outputs = isBinary ? 2 : units, shape = { task, outputs };
    this.#task = task;
    this.#outputs = outputs;
    this.#units = units;
    this.#kind = output;
    if (output !== "logits") this.#score = scorer(output, units, isBinary);
    if (outputs <= MAX_COUNTED_CLASSES) {
      const none = task === "classification" ? outputs : 0;
      this.#confusion = new Float64Array(confusionLength(shape) + none);
    }
    const scores = outputs <= MAX_SCORED_CLASSES ? numScores(shape) : 0;
    this.#tallies = Array.from({ length: scores }, () => new ScoreTally(mostBins(scores)));
  }

  /**
   * Adds rows of the model's output, with their targets.
   *
   * @param counted Number of labels that are not negative. Default: they are looked through.
   */
  add(output: Float32Array, targets: Int32Array | Float32Array, counted?: number): void {
    const rows = output.length / this.#units, score = this.#score;
    if (
      this.#task === "classification" && counted !== rows && targets.some((label) => label < 0)
    ) return this.add(...withLabels(output, targets, this.#units));
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
    const [correct = NaN, logLoss = NaN, brier = NaN, ...calibration] = this.#totals;
    if (!Number.isFinite(logLoss + brier)) return undefined;
    const outputs = this.#outputs, confusion = this.#confusion && [...this.#confusion];
    const isClass = this.#task === "classification";
    return {
      task: this.#task,
      outputs,
      samples: this.#samples,
      ...{ correct, logLoss, brier, calibration },
      ...(confusion && {
        confusion: isClass ? confusion.filter((_, i) => (i + 1) % (outputs + 1) > 0) : confusion,
      }),
      ...(this.#tallies.length > 0 && {
        scores: this.#tallies.map(({ histogram }) => histogram),
      }),
    };
  }

  /**
   * Answers to the rows of a classifier, `[outputs, outputs + 1]`, with a last column for outputs
   * that are no answer; `undefined` where they are not counted.
   */
  get answers(): Float64Array | undefined {
    return this.#task === "classification" ? this.#confusion : undefined;
  }

  #addScores(scores: ClassScores): void {
    addScores(scores, this.#totals, this.#confusion);
    const tallies = this.#tallies, { codes, rows } = scores;
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
    increment(this.#totals, BRIER, this.#outputs === 2 ? brier / 2 : brier);
    increment(this.#totals, LOG_LOSS, surprise(logits[label] ?? NaN));
    if (isRight) increment(this.#totals, CORRECT);
    this.#calibrate(probabilities[answer] ?? NaN, isRight);
    const outputs = this.#outputs, column = answer < 0 ? outputs : answer;
    increment(this.#confusion, label * (outputs + 1) + column);
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
      increment(this.#totals, BRIER, (p - (holds ? 1 : 0)) ** 2 / length);
      increment(this.#totals, LOG_LOSS, surprise(holds ? logit : -logit) / length);
      if (answer === holds) right++;
      this.#calibrate(answer ? p : 1 - p, answer === holds);
      increment(this.#confusion, 4 * i + 2 * Number(holds) + Number(answer));
      this.#tallies[i]?.add(logit, holds);
    }
    if (right === length) increment(this.#totals, CORRECT);
  }

  #calibrate(confidence: number, isRight: boolean): void {
    const bin = Math.min(CALIBRATION_BINS - 1, Math.floor(confidence * CALIBRATION_BINS));
    const at = CALIBRATION + 3 * bin;
    increment(this.#totals, at);
    increment(this.#totals, at + 1, confidence);
    if (isRight) increment(this.#totals, at + 2);
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
