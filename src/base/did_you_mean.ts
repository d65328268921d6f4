import { oneLine } from "./printable.ts";

/** Largest number of wrong characters for which a name is proposed. */
const MOST_WRONG = 3;

/** Largest part of a name that may be wrong. */
const MOST_SHARE = 0.5;

/** Largest length of a name for which another one is searched, which takes time and memory. */
const MOST_LENGTH = 100;

/**
 * Proposes the known name that was probably meant: `" (did you mean fedavg?)"`, or an empty text
 * where none is similar. Upper and lower case are the same here.
 *
 * @param name Name that is not known.
 * @param known Names that are.
 */
export function didYouMean(name: string, known: Iterable<string>): string {
  const wanted = name.toLowerCase();
  if (wanted.length > MOST_LENGTH) return "";
  let best: string | undefined;
  let least = Math.min(MOST_WRONG, MOST_SHARE * wanted.length);
  for (const one of known) {
    if (Math.abs(one.length - wanted.length) > least) continue;
    const distance = editDistance(wanted, one.toLowerCase());
    if (distance > least || (best !== undefined && distance === least)) continue;
    [best, least] = [one, distance];
  }
  return best === undefined ? "" : ` (did you mean ${oneLine(best)}?)`;
}

/**
 * Number of edits that make one text the other: a character inserted, left out or replaced, or two
 * neighbours exchanged, with no edit of an edited place (optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [], last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const at = (values: readonly number[], place: number) => values[place] ?? Infinity;
      const isSame = a[i - 1] === b[j - 1];
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (isSame ? 0 : 1),
        isExchange ? at(before, j - 2) + 1 : Infinity,
      ));
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? a.length;
}
