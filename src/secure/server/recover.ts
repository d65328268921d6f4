import { type Bytes, equalBytes, KEY_BYTES } from "../primitives.ts";
import { combineShares } from "../shamir.ts";
import { shuffled } from "../shuffled.ts";

/** Share of a secret, and the rank of the member that gave it. */
export interface GivenShare {
  readonly holder: number;
  readonly share: Bytes;
}

/** Secret that was given back, and the holders of wrong shares, if one of them was in the way. */
export interface Recovered<T> {
  readonly secret: Bytes;
  /** Result of the check of the secret. */
  readonly checked: T;
  readonly wrong: readonly number[];
}

/** Most subsets of the shares of a secret that are tried. */
const MOST_TRIES = 256;

/**
 * Recovers a secret from its shares, some of which may be wrong.
 *
 * A wrong share is not visible by itself: subsets of as many shares as the threshold are tried
 * until their secret passes the check. First come windows of the list that together leave out each
 * share once; then random ones. Holders of wrong shares may agree on them, such that the secret is
 * right while others seem wrong: of the subsets that pass, the one that fits most shares decides.
 *
 * @param known Holders that gave wrong shares before.
 * @param check Returns `undefined` for another secret than the right one.
 * @returns The secret; `undefined` if no subset that was tried gives it.
 */
export async function recoverSecret<T>(
  given: readonly GivenShare[],
  threshold: number,
  known: ReadonlySet<number>,
  check: (secret: Bytes) => Promise<T | undefined>,
): Promise<Recovered<T> | undefined> {
  const sorted = [
    ...given.filter(({ holder }) => !known.has(holder)),
    ...given.filter(({ holder }) => known.has(holder)),
  ];
  const unambiguous = Math.floor((given.length - threshold) / 2);
  let best: Recovered<T> | undefined, isFirst = true;
  for (const subset of subsets(sorted, threshold)) {
    const secret = combineShares(subset.map(({ share }) => share));
    const checked = secret.length === KEY_BYTES ? await check(secret) : undefined;
    // The usual case, in which nothing says that a share is wrong.
    if (isFirst && checked !== undefined) return { secret, checked, wrong: [] };
    isFirst = false;
    if (checked === undefined) continue;
    const wrong = holdersApart(given, subset, secret);
    if (best === undefined || wrong.length < best.wrong.length) best = { secret, checked, wrong };
    if (wrong.length <= unambiguous || wrong.every((holder) => known.has(holder))) break;
  }
  return best;
}

/** Reports whether more shares than the threshold give one secret: then they are those dealt. */
export function fitEachOther(given: readonly GivenShare[], threshold: number): boolean {
  const subset = given.slice(0, threshold),
    secret = combineShares(subset.map(({ share }) => share));
  return given.length > threshold && holdersApart(given, subset, secret).length === 0;
}

/** Returns the holders of shares that are not on the polynomial of a subset. */
function holdersApart(
  given: readonly GivenShare[],
  subset: readonly GivenShare[],
  secret: Bytes,
): number[] {
  const used = new Set(subset), rest = subset.slice(1).map(({ share }) => share);
  const apart = given.filter((one) => {
    return !used.has(one) && !equalBytes(combineShares([one.share, ...rest]), secret);
  });
  return apart.map(({ holder }) => holder);
}

function* subsets(given: readonly GivenShare[], size: number): Generator<GivenShare[]> {
  const spare = given.length - size;
  if (spare < 0) return;
  yield given.slice(0, size);
  if (spare === 0) return;
  let tries = 1;
  for (let start = spare; start < given.length && tries < MOST_TRIES; start += spare, tries++) {
    yield [...given, ...given].slice(start, start + size);
  }
  for (; tries < MOST_TRIES; tries++) yield shuffled(given).slice(0, size);
}
