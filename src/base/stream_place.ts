/** Place in a stream of random numbers. */
export interface StreamPlace {
  /** Seed. */
  readonly seed: number;
  /** Hash of the purpose. */
  readonly purpose: number;
  /** Round. */
  readonly round: number;
  /** Rank. */
  readonly rank: number;
  /** Numbers of 32 bits that were drawn. */
  readonly index: number;
}
