/**
 * Data sets that are drawn, not read: as many rows as a measurement needs.
 *
 * @module
 */

import { checkInRange, type Range } from "../../base/check.ts";
import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import { fillNormal } from "../../base/normal_fill.ts";
import { Random } from "../../base/random.ts";
import { Dataset } from "../dataset.ts";
import { MAX_CLASSES, MAX_ROWS, MAX_VALUES } from "../limits.ts";
import { arraySchema } from "../schema/array_schema.ts";
import { SYNTHETIC_USAGE } from "./synthetic_name.ts";
import { shareableFloats, shareableInts } from "../shareable.ts";

/** Name of the generator in schemas; one that draws other rows needs another name. */
const GENERATOR = "gaussian-classes";
/** Root mean square distance of the means of two classes, in deviations of the noise. */
const DISTANCE = 3;
/** Share of the rows to train on that there are to test on, and most of them, by default. */
const TEST_SHARE = 0.1, MAX_TEST_ROWS = 10_000;

/** Streams of random numbers: the rows to train on do not depend on the number of others. */
const MEANS = 0, TRAIN = 1, TEST = 2;

const RANGES = {
  rows: { whole: true, least: 1, most: MAX_ROWS },
  features: { whole: true, least: 1, most: MAX_VALUES },
  classes: { whole: true, least: 2, most: MAX_CLASSES },
  test: { whole: true, least: 0, most: MAX_ROWS },
  seed: { whole: true, least: 0, most: 0xFFFF_FFFF },
} satisfies Record<string, Range>;

type Settings = Record<keyof typeof RANGES, number>;

/**
 * Draws a synthetic data set: Gaussian classes of equal covariance, between which a linear rule is
 * the best there is.
 *
 * The mean of each class is drawn from N(0, (9 / (2 d)) I) for d features, so that two means are 3
 * apart in the root mean square. Each row has a class, each equally likely, and features from
 * N(mean of the class, I). Of two classes the best rule has an accuracy of about 0.93. Rows to test
 * on are drawn in the same way. All follow from `seed` alone, which is not that of the run. The
 * schema has the seed and the numbers of features and classes: parts of other data do not fit.
 *
 * @param spec Text such as `synthetic:rows=1000000,features=10,classes=2`.
 * @throws {SyntaxError} If the text has another form, or lacks rows, features or classes.
 * @throws {RangeError} If there is no such option, or one is out of range.
 */
export function syntheticDataset(spec: string): { train: Dataset; test?: Dataset } {
  const settings = readSettings(spec);
  const { features, classes, test, seed } = settings;
  const random = new Random(seed, "synthetic", { round: MEANS });
  const means = new Float64Array(classes * features);
  const deviation = DISTANCE / Math.sqrt(2 * features);
  for (let i = 0; i < means.length; i++) means[i] = deviation * random.normal();
  const draw = (rows: number, stream: number) =>
    drawRows(rows, settings, means, new Random(seed, "synthetic", { round: stream }));
  const train = draw(settings.rows, TRAIN);
  return test === 0 ? { train } : { train, test: draw(test, TEST) };
}

function readSettings(spec: string): Settings {
  const problem = `Cannot use the data set ${spec}`;
  const options = readNamedOptions("data set", spec);
  checkNamedOptions(options, { numbers: Object.keys(RANGES) });
  const { rows, features, classes } = options.numbers;
  if (rows === undefined || features === undefined || classes === undefined) {
    throw new SyntaxError(`${problem}: expected ${SYNTHETIC_USAGE}`);
  }
  const test = Math.min(Math.ceil(TEST_SHARE * rows), MAX_TEST_ROWS);
  const settings = { rows, features, classes, test, seed: 0, ...options.numbers };
  for (const [name, range] of Object.entries(RANGES)) {
    const { least, most } = range;
    const expected = `${name} to be a whole number from ${least} to ${most}`;
    checkInRange(settings[name as keyof Settings], range, problem, expected);
  }
  const values = (settings.rows + settings.test + classes) * features;
  if (values > MAX_VALUES) {
    throw new RangeError(`${problem}: expected at most ${MAX_VALUES} values, got ${values}`);
  }
  return settings;
}

function drawRows(
  rows: number,
  { features: width, classes, seed }: Settings,
  means: Float64Array,
  random: Random,
): Dataset {
  const features = shareableFloats(rows * width);
  const labels = shareableInts(new Int32Array(rows));
  fillNormal(features, random);
  for (let row = 0, at = 0; row < rows; row++) {
    const label = labels[row] = random.below(classes);
    for (let mean = label * width; mean < (label + 1) * width; mean++, at++) {
      features[at] = (features[at] ?? 0) + (means[mean] ?? 0);
    }
  }
  const generator = { name: GENERATOR, settings: { features: width, classes, seed } };
  return Dataset.of({
    ...{ features, targets: labels, shape: [width], task: "classification", numClasses: classes },
    schema: arraySchema({ shape: [width], numClasses: classes, generator }),
  });
}
