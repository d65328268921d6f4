import { type Case, CASES } from "./published_cases.ts";

/** Codecs of a run, and what is expected of it in relation to the run without codecs. */
export interface CodecVariant extends Pick<Case, "uplink" | "downlink"> {
  /** Largest mean number of rounds over the seeds, for that of the runs without codecs. */
  most(rounds: number): number;
  /** Smallest factor by which the bytes of a round fall in these directions together. */
  readonly saves: readonly { readonly of: "up" | "total"; readonly least: number }[];
}

/** Experiment that is run without codecs and with each variant. */
export interface CodecExperiment {
  readonly base: Case;
  readonly variants: readonly CodecVariant[];
  /** Number of further seeds to run. */
  readonly moreSeeds: number;
}

/** Noise between the seeds of the same run. */
const within3 = (rounds: number) => rounds + 3;

const EDEN: CodecVariant = {
  uplink: "eden:bits=1",
  most: within3,
  saves: [{ of: "up", least: 30 }],
};

/** Experiments that show what codecs cost in rounds and save in bytes. */
export const CODEC_EXPERIMENTS: readonly CodecExperiment[] = [
  {
    base: baseOf("2nn-iid", 80),
    variants: [
      EDEN,
      { uplink: "eden:bits=1,share=0.1", most: within3, saves: [{ of: "up", least: 290 }] },
      {
        uplink: "eden:bits=1",
        downlink: "int8",
        most: within3,
        saves: [{ of: "total", least: 6 }],
      },
    ],
    moreSeeds: 2,
  },
  {
    base: baseOf("2nn-shards", 664),
    variants: [{ ...EDEN, most: (rounds) => 1.1 * rounds }],
    moreSeeds: 2,
  },
  {
    base: baseOf("cnn-iid", 40),
    variants: [
      {
        uplink: "eden:bits=1",
        downlink: "int8",
        most: within3,
        saves: [{ of: "total", least: 6 }],
      },
    ],
    moreSeeds: 2,
  },
];

/** Finds a published case, and gives it another limit of rounds. */
function baseOf(name: string, most: number): Case {
  const found = CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no case ${name}`);
  return { ...found, least: 1, most };
}
