/**
 * Named data sets: their files, addresses and checksums.
 *
 * @module
 */

import { BANKING77 } from "./named_texts.ts";

/** Checksum of a file. */
export interface Checksum {
  /** Hash algorithm. */
  readonly algorithm: "sha256" | "md5";
  /** Digest in lower-case hexadecimal. */
  readonly hex: string;
}

/** Published file of a data set. */
export interface DatasetFile {
  /** Name of the file, on disk and at its homes. */
  readonly name: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** Checksum of the file. */
  readonly checksum: Checksum;
  /**
   * Size and checksum of the content of a file in gzip. By them a local file is recognised that was
   * compressed again, or decompressed and named without `.gz`.
   */
  readonly unpacked?: { readonly bytes: number; readonly checksum: Checksum };
}

/** Names of a file of samples and the file of their labels, both IDX, plain or in gzip. */
export interface SamplesAndLabels {
  /** File of the samples. */
  readonly images: string;
  /** File of the labels, one for each sample. */
  readonly labels: string;
}

/** Data set of IDX files, which are on disk or downloaded. */
export interface NamedDataset {
  /** Name for `loadDataset()`. */
  readonly name: string;
  /** Name in messages. */
  readonly title: string;
  /** Folder of the files, below the folder of data sets. Data sets may share one. */
  readonly folder: string;
  /** Base URLs from which the files are downloaded, in order of preference. */
  readonly homes: readonly string[];
  /** Files of the data set. */
  readonly files: readonly DatasetFile[];
  /** Name of a ZIP archive among `files` that has the files of `train` and `test`, if any. */
  readonly archive?: string;
  /** Samples to train on. */
  readonly train: SamplesAndLabels;
  /** Samples to test on. */
  readonly test: SamplesAndLabels;
  /** Names of the classes in the order of their labels. */
  readonly classes: readonly string[];
  /**
   * Label of the first class in the files.
   *
   * @default {0}
   */
  readonly firstLabel?: number;
  /**
   * True if rows and columns of the images are exchanged in the files. Reading exchanges them back.
   *
   * @default {false}
   */
  readonly transposed?: boolean;
}

function sha256(hex: string): Checksum {
  return { algorithm: "sha256", hex };
}

const DIGITS = [..."0123456789"];

const FOUR_FILES = {
  train: { images: "train-images-idx3-ubyte.gz", labels: "train-labels-idx1-ubyte.gz" },
  test: { images: "t10k-images-idx3-ubyte.gz", labels: "t10k-labels-idx1-ubyte.gz" },
};

const MNIST: NamedDataset = {
  name: "mnist",
  title: "MNIST",
  folder: "mnist",
  homes: [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
  ],
  files: [
    {
      name: FOUR_FILES.train.images,
      bytes: 9_912_422,
      checksum: sha256("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
      unpacked: {
        bytes: 47_040_016,
        checksum: sha256("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
      },
    },
    {
      name: FOUR_FILES.train.labels,
      bytes: 28_881,
      checksum: sha256("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
      unpacked: {
        bytes: 60_008,
        checksum: sha256("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
      },
    },
    {
      name: FOUR_FILES.test.images,
      bytes: 1_648_877,
      checksum: sha256("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
      unpacked: {
        bytes: 7_840_016,
        checksum: sha256("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
      },
    },
    {
      name: FOUR_FILES.test.labels,
      bytes: 4_542,
      checksum: sha256("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
      unpacked: {
        bytes: 10_008,
        checksum: sha256("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
      },
    },
  ],
  ...FOUR_FILES,
  classes: DIGITS,
};

const FASHION_MNIST: NamedDataset = {
  name: "fashion-mnist",
  title: "Fashion-MNIST",
  folder: "fashion-mnist",
  homes: [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
  ],
  files: [
    {
      name: FOUR_FILES.train.images,
      bytes: 26_421_880,
      checksum: sha256("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    },
    {
      name: FOUR_FILES.train.labels,
      bytes: 29_515,
      checksum: sha256("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    },
    {
      name: FOUR_FILES.test.images,
      bytes: 4_422_102,
      checksum: sha256("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    },
    {
      name: FOUR_FILES.test.labels,
      bytes: 5_148,
      checksum: sha256("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    },
  ],
  ...FOUR_FILES,
  classes: [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ],
};

/** Describes a split of EMNIST, whose archive holds all of them. */
function emnist(
  split: string,
  classes: readonly string[],
  more: Pick<NamedDataset, "firstLabel"> = {},
): NamedDataset {
  const pair = (part: string) => ({
    images: `emnist-${split}-${part}-images-idx3-ubyte.gz`,
    labels: `emnist-${split}-${part}-labels-idx1-ubyte.gz`,
  });
  return {
    name: `emnist-${split}`,
    title: `EMNIST (${split})`,
    folder: "emnist",
    homes: [
      "https://biometrics.nist.gov/cs_links/EMNIST/",
      "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
    ],
    files: [{
      name: "gzip.zip",
      bytes: 561_753_746,
      checksum: sha256("fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),
    }],
    archive: "gzip.zip",
    train: pair("train"),
    test: pair("test"),
    classes,
    transposed: true,
    ...more,
  };
}

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const EMNIST_BALANCED = emnist("balanced", [...DIGITS, ...LETTERS, ..."abdefghnqrt"]);

/**
 * Data sets with files, by the names for {@linkcode loadDataset}: `mnist`, `fashion-mnist`,
 * `emnist-balanced` (also called `emnist`), `emnist-digits` and `emnist-letters`. Licences and
 * credits are in docs/DATA.md.
 *
 * The splits `byclass` and `bymerge` of EMNIST are missing: they have 814,255 images each, which
 * are 2.6 GB of features.
 */
export const NAMED_DATASETS: ReadonlyMap<string, NamedDataset> = new Map([
  [MNIST.name, MNIST],
  [FASHION_MNIST.name, FASHION_MNIST],
  ["emnist", EMNIST_BALANCED],
  [EMNIST_BALANCED.name, EMNIST_BALANCED],
  ["emnist-digits", emnist("digits", DIGITS)],
  // The files count letters from 1.
  ["emnist-letters", emnist("letters", LETTERS, { firstLabel: 1 })],
]);

/** Names of all data sets for {@linkcode loadDataset}, the bundled digits first. */
export const DATASET_NAMES: readonly string[] = [
  "digits",
  ...NAMED_DATASETS.keys(),
  BANKING77.name,
];
