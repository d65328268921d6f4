import type { TextForm } from "../../data/text/form.ts";
import type { Band } from "./learning_curve.ts";

/** Experiment with a language model of Shakespeare's plays. */
export interface TextCase {
  readonly name: string;
  readonly form: TextForm;
  /** Lines of the file, from 0, of the roles that take part. Default: all with two lines. */
  readonly roles?: readonly number[];
  /** Share of the test rows that the accuracy of each round is over. Default: all. */
  readonly testShare?: number;
  readonly model: string;
  /** `natural`, each role a client, or `iid` with as many clients. */
  readonly partition: "natural" | "iid";
  readonly strategy: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  /** Most rounds. */
  readonly most: number;
  /** Accuracy that ends the run. Default: the run has all rounds. */
  readonly target?: number;
  /** Accuracies that are expected after some rounds. */
  readonly bands: readonly Band[];
  /** Published figure, or one that was measured elsewhere. */
  readonly published: string;
  /** Number of further seeds to run. */
  readonly moreSeeds?: number;
  /** Is true for an experiment that takes minutes, false for one that takes hours. */
  readonly isShort: boolean;
}

/** Rounds to 54% of McMahan et al. 2017, table 2, of the LSTM. */
const TABLE_2 = [
  { name: "fedsgd", epochs: 1, batchSize: 0, lr: 1.47, iid: 2488, natural: 3906 },
  { name: "e1-b50", epochs: 1, batchSize: 50, lr: 1.47, iid: 1635, natural: 549 },
  { name: "e5-all", epochs: 5, batchSize: 0, lr: 1.47, iid: 613, natural: 597 },
  { name: "e1-b10", epochs: 1, batchSize: 10, lr: 1.47, iid: 460, natural: 164 },
  { name: "e5-b50", epochs: 5, batchSize: 50, lr: 1.47, iid: 401, natural: 152 },
  { name: "e5-b10", epochs: 5, batchSize: 10, lr: 1.47, iid: 192, natural: 41 },
] as const;

/** Rounds that a case may take, as a multiple of the published ones. */
const ALLOWANCE = 1.5;

/** The LSTM's rows of the table: 866,578 parameters, a line is an example. */
const ROWS = TABLE_2.flatMap(({ name, epochs, batchSize, lr, ...rounds }) =>
  (["natural", "iid"] as const).map((partition): TextCase => ({
    name: `shakespeare-${name}${partition === "iid" ? "-iid" : ""}`,
    form: { mode: "lines", symbols: "bytes" },
    testShare: 0.1,
    model: "lstm:peepholes=true",
    ...{ partition, epochs, batchSize, lr },
    strategy: name === "fedsgd" ? `fedsgd:lr=${lr}` : "fedavg",
    target: 0.54,
    most: Math.ceil(ALLOWANCE * rounds[partition]),
    bands: [],
    published: `${rounds[partition]}`,
    isShort: false,
  }))
);

/** 100 of the 639 roles with 1,000 characters or more, drawn once. */
const DAILY_ROLES = [
  ...[722, 8, 981, 1049, 33, 923, 1301, 651, 927, 23, 1025, 62, 262, 137, 935, 1159, 977, 819],
  ...[
    639,
    602,
    298,
    1258,
    1317,
    1095,
    824,
    79,
    1173,
    1294,
    864,
    929,
    407,
    1119,
    242,
    701,
    879,
    252,
  ],
  ...[1353, 89, 1269, 95, 987, 661, 294, 960, 1006, 598, 22, 490, 583, 1022, 90, 556, 1178, 885],
  ...[427, 323, 194, 1203, 1287, 1154, 371, 1056, 196, 888, 648, 1139, 820, 862, 857, 91, 769, 462],
  ...[
    124,
    1257,
    551,
    1351,
    1214,
    1130,
    869,
    581,
    1300,
    1261,
    673,
    728,
    988,
    908,
    1313,
    110,
    293,
    1312,
  ],
  ...[1329, 346, 430, 791, 139, 1284, 353, 794, 574, 772],
];

/** Experiments with language models: one of minutes, then the rows of table 2. */
export const TEXT_CASES: readonly TextCase[] = [
  {
    name: "shakespeare-daily",
    form: { mode: "windows" },
    roles: DAILY_ROLES,
    model: "lstm:layers=1,units=128",
    partition: "natural",
    strategy: "fedavg",
    ...{ epochs: 5, batchSize: 10, lr: 2, most: 30, moreSeeds: 2, isShort: true },
    bands: [
      { round: 10, least: 0.36, most: 0.42 },
      { round: 20, least: 0.41, most: 0.46 },
      { round: 30, least: 0.435, most: 0.48 },
    ],
    published: "37.6, 42.8, 45.1% (PyTorch)",
  },
  ...ROWS,
];
