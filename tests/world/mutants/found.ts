/** What a hunt has found, with the seed of its last run and the time that it took. */
export interface Found {
  /** Rule that was broken; absent if none was. */
  readonly invariant?: string;
  /** Breach. */
  readonly text?: string;
  readonly seed: number;
  readonly seconds: number;
}
