import { AT_LEAST_ONE, checkInRange, checkSeed } from "../base/check.ts";
import type { Strategy } from "../strategy/strategy.ts";
import { checkDelta, checkEpsilon, zcdpNoise } from "./accounting/gaussian.ts";
import { rdpEpsilon } from "./accounting/rdp.ts";
import { leastArgument } from "./accounting/search.ts";
import { AdaptiveClip, type AdaptiveClipOptions } from "./mechanism/adaptive_clip.ts";
import { bandedNoise } from "./mechanism/banded.ts";
import { FtrlMechanism } from "./mechanism/ftrl.ts";
import type { CentralMechanism } from "./mechanism/mechanism.ts";
import { SampledMechanism } from "./mechanism/sampled.ts";
import { seededNoise, systemNoise } from "./noise/random_words.ts";

const PROBLEM = "Cannot make a private run";
/** Largest default number of bands. The server keeps two vectors for each. */
const MAX_BANDS = 32;
/** With less noise the units of the grid become too many for whole numbers in floats. */
const LEAST_NOISE = 0.05;
const MOST_NOISE = 1e4;
/** A sum of more updates than this, divided by the noise, may not be exact. */
const MOST_UPDATES = 2 ** 22;

/** Default of the clip. */
const DEFAULT_CLIP = 0.3;

/** Options of `CentralPrivacy`. */
export interface CentralPrivacyOptions {
  /**
   * Mechanism. `"ftrl"` adds correlated noise for clients that take part in turn, and needs no
   * secrets beside the noise. `"fedavg"` adds independent noise for cohorts drawn by chance, which
   * must stay secret.
   */
  readonly mechanism: "ftrl" | "fedavg";
  /** ε of the guarantee after all rounds, above 0. Required without `noise`. */
  readonly epsilon?: number;
  /** Noise multiplier, in place of the one that follows from `epsilon`. */
  readonly noise?: number;
  /** δ of the guarantee, above 0 and below 1; far below 1 / number of clients. */
  readonly delta: number;
  /** Number of rounds of the run. */
  readonly rounds: number;
  /** Number of clients in the group. */
  readonly clients: number;
  /** Number of updates that a round wants, by which sums are divided. */
  readonly cohort: number;
  /**
   * Largest L2 norm of an update; larger ones are scaled down to it.
   *
   * @default {0.3}
   */
  readonly clip?: number;
  /** Lets the clip follow a quantile of the norms, with `"fedavg"`. Default: it stays. */
  readonly adaptive?: Omit<AdaptiveClipOptions, "initial">;
  /**
   * Number of rounds that noise is correlated over, with `"ftrl"`: at most clients / cohort, which
   * is the default, up to 32.
   */
  readonly bands?: number;
  /** Algorithm that takes the private mean. Default `new FedAvg()`. */
  readonly then?: Strategy;
  /**
   * Seed of the noise, for tests alone: the run then guarantees nothing, and its report says so.
   *
   * @default {undefined} The noise is made of random bits of the system.
   */
  readonly noiseSeed?: number;
}

/** Mechanism of a private run, as its options describe it. */
export interface PlannedMechanism {
  readonly mechanism: CentralMechanism;
  readonly noise: number;
  readonly warnings: readonly string[];
}

/** Checks the options and makes the mechanism; throws a `RangeError` if an option is wrong. */
export function mechanismOf(options: CentralPrivacyOptions): PlannedMechanism {
  const { cohort, delta, noiseSeed, mechanism } = options;
  if (mechanism !== "ftrl" && mechanism !== "fedavg") {
    throw new RangeError(`${PROBLEM}: expected mechanism ftrl or fedavg, got ${mechanism}`);
  }
  const { clip, warnings } = checkGuarantee(options);
  if (noiseSeed !== undefined) checkSeed(noiseSeed);
  const seeded = noiseSeed === undefined ? [] : ["the noise is seeded: nothing is guaranteed"];
  const source = noiseSeed === undefined ? systemNoise() : seededNoise(noiseSeed);
  const common = { clip, delta, cohort, source };
  const made = mechanism === "ftrl" ? ftrlOf(options, common) : sampledOf(options, common);
  return { ...made, warnings: [...warnings, ...seeded] };
}

type Common = Pick<
  ConstructorParameters<typeof FtrlMechanism>[0],
  "clip" | "delta" | "cohort" | "source"
>;

function ftrlOf(
  options: CentralPrivacyOptions,
  common: Common,
): Omit<PlannedMechanism, "warnings"> {
  const { rounds, clients, cohort, adaptive } = options;
  if (adaptive !== undefined) {
    throw new RangeError(
      `${PROBLEM}: expected no adaptive clip with ftrl, whose noise is of one size`,
    );
  }
  const separation = Math.floor(clients / cohort);
  const { bands = Math.min(separation, MAX_BANDS) } = options;
  checkInRange(
    bands,
    { whole: true, least: 1, most: separation },
    PROBLEM,
    `1 to ${separation} bands, clients / cohort`,
  );
  const most = Math.ceil(rounds * cohort / clients);
  const noise = checkedNoise(
    options,
    // A run of noise 1 is one Gaussian of that multiplier, and it grows with the noise.
    (epsilon, delta) => zcdpNoise(epsilon, delta) / bandedNoise(1, bands, { most, separation }),
  );
  return { noise, mechanism: new FtrlMechanism({ ...common, noise, bands, most }) };
}

function sampledOf(
  options: CentralPrivacyOptions,
  common: Common,
): Omit<PlannedMechanism, "warnings"> {
  const { rounds, clients, cohort, adaptive, bands } = options;
  if (bands !== undefined) {
    throw new RangeError(`${PROBLEM}: expected no bands with fedavg, whose noise is independent`);
  }
  const rate = cohort / clients;
  const after = (noise: number, delta: number) =>
    rdpEpsilon([{ noise, rate, count: rounds }], delta).epsilon;
  const noise = checkedNoise(
    options,
    (epsilon, delta) =>
      leastArgument((noise) => after(noise, delta), epsilon, { least: LEAST_NOISE, error: 1e-6 }),
  );
  const { clip } = common;
  return {
    noise,
    mechanism: new SampledMechanism({
      ...common,
      noise,
      clip: adaptive === undefined ? clip : new AdaptiveClip({ ...adaptive, initial: clip }),
      rate,
      maxEpsilon: options.epsilon ?? after(noise, common.delta),
    }),
  };
}

/** Returns the noise multiplier that is given or that gives ε, for sums of exact whole numbers. */
function checkedNoise(
  options: CentralPrivacyOptions,
  noiseFor: (epsilon: number, delta: number) => number,
): number {
  const least = Math.max(LEAST_NOISE, options.cohort / MOST_UPDATES);
  return checkInRange(
    noiseOf(options, noiseFor),
    { least, most: MOST_NOISE },
    PROBLEM,
    `a noise multiplier from ${least} to ${MOST_NOISE}`,
  );
}

/**
 * Checks what a guarantee is made for. Returns the clip, and a warning of a δ that is too large.
 *
 * @throws {RangeError} If an option is out of range or missing.
 */
export function checkGuarantee(
  options: Pick<CentralPrivacyOptions, "rounds" | "clients" | "cohort" | "clip" | "delta">,
): { readonly clip: number; readonly warnings: readonly string[] } {
  const { rounds, clients, cohort, clip = DEFAULT_CLIP } = options;
  checkInRange(rounds, AT_LEAST_ONE, PROBLEM, "a whole number of rounds from 1");
  checkInRange(clients, AT_LEAST_ONE, PROBLEM, "a whole number of clients from 1");
  const ofAll = { whole: true, least: 1, most: clients };
  checkInRange(cohort, ofAll, PROBLEM, `a cohort of 1 to ${clients} clients`);
  checkInRange(clip, { above: 0 }, PROBLEM, "a finite clip above 0");
  const { delta }: Partial<CentralPrivacyOptions> = options;
  if (delta === undefined) {
    throw new RangeError(`${PROBLEM}: expected delta beside epsilon, such as 1e-5, got none`);
  }
  const warnings = checkDelta(delta) > 1 / clients
    ? [
      `delta ${delta} is above 1 / ${clients} clients: publishing the data of one of them would be within it`,
    ]
    : [];
  return { clip, warnings };
}

/**
 * Returns the noise multiplier that is given, or that gives ε.
 *
 * @throws {RangeError} If neither or both are given, or ε is out of range.
 */
export function noiseOf(
  { epsilon, noise, delta }: Pick<CentralPrivacyOptions, "epsilon" | "noise" | "delta">,
  noiseFor: (epsilon: number, delta: number) => number,
): number {
  if ((epsilon === undefined) === (noise === undefined)) {
    throw new RangeError(
      `${PROBLEM}: expected epsilon or noise, got ${epsilon === undefined ? "neither" : "both"}`,
    );
  }
  return noise ?? noiseFor(checkEpsilon(epsilon ?? NaN), delta);
}
