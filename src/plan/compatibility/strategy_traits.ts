/** Properties of a strategy that decide on what it goes with. */
export interface StrategyTraits {
  /** Name in messages. */
  readonly name: string;
  /** Set if it withstands hostile clients only while they are few among a round's updates. */
  readonly needsHonestMajority?: boolean;
  /** Set if it divides each update by the length of the client's steps. */
  readonly normalizesSteps?: boolean;
  /** Set if it has a step size of its own in place of the clients' learning rate. */
  readonly fixesLearningRate?: boolean;
  /** Set if its step follows changes of former rounds too, as with momentum on the server. */
  readonly optimizesOnServer?: boolean;
  /** Set if its step is a function of weighted sums over a round's updates. */
  readonly sums?: {
    readonly vectors: Readonly<Record<string, unknown>>;
    readonly figures?: readonly string[];
  } | undefined;
  /** Set if it keeps clients private; `then` takes the private mean. */
  readonly privacy?: {
    readonly then: StrategyTraits;
    /** Set if the clients add the noise. */
    readonly isNoiseShared?: boolean;
    /** Set if the clients can clip their updates themselves. */
    readonly members?: unknown;
  } | undefined;
}

/** Tells if the clients of a strategy add its noise. */
export function sharesNoise({ privacy }: StrategyTraits): boolean {
  return privacy?.isNoiseShared === true;
}

/** Tells if a strategy is a step from the mean of the updates. */
export function takesMean({ sums }: StrategyTraits): boolean {
  const { vectors = {}, figures = [] } = sums ?? {};
  return Object.keys(vectors).join() === "mean" && figures.length === 0;
}
