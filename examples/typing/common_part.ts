/** Longest part that a text has in common with others. */

/** Number of the codes of characters, in UTF-16. */
const CODES = 65_536;

/**
 * Finds the longest part of a text that other texts have too, the first of several. It reads the
 * others once, by the suffix automaton of the text (Blumer et al. 1985, "The smallest automaton
 * recognizing the subwords of a text").
 *
 * @param text Text of any length.
 * @param others Other texts, as one.
 */
export function longestCommonPart(text: string, others: string): string {
  const { numbers, next, link, longest, count } = automatonOf(text);
  let state = 0, length = 0, best = 0, end = 0;
  for (let i = 0; i < others.length; i++) {
    const number = numbers[others.charCodeAt(i)] ?? -1;
    if (number < 0) {
      state = length = 0;
      continue;
    }
    let to = next[state * count + number] ?? -1;
    while (to < 0 && state > 0) {
      state = link[state] ?? 0;
      length = longest[state] ?? 0;
      to = next[state * count + number] ?? -1;
    }
    if (to < 0) continue;
    state = to;
    if (++length > best) {
      best = length;
      end = i + 1;
    }
  }
  return others.slice(end - best, end);
}

/** States of an automaton: transitions `[states, count]`, suffix link and longest part of each. */
interface Automaton {
  /** Number of each code among those of the text, from 0; -1 for others. */
  readonly numbers: Int32Array;
  readonly count: number;
  readonly next: Int32Array;
  readonly link: Int32Array;
  readonly longest: Int32Array;
}

function automatonOf(text: string): Automaton {
  const codes = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const numbers = new Int32Array(CODES).fill(-1), most = 2 * text.length + 1;
  let count = 0;
  for (const code of codes) if (numbers[code] === -1) numbers[code] = count++;
  const next = new Int32Array(most * count).fill(-1);
  const link = new Int32Array(most).fill(-1), longest = new Int32Array(most);
  let states = 1, last = 0;
  for (const code of codes) {
    const number = numbers[code] ?? 0, own = states++;
    longest[own] = (longest[last] ?? 0) + 1;
    let state = last;
    last = own;
    while (state >= 0 && next[state * count + number] === -1) {
      next[state * count + number] = own;
      state = link[state] ?? -1;
    }
    if (state < 0) {
      link[own] = 0;
      continue;
    }
    const to = next[state * count + number] ?? 0;
    if ((longest[state] ?? 0) + 1 === longest[to]) {
      link[own] = to;
      continue;
    }
    const copy = states++;
    longest[copy] = (longest[state] ?? 0) + 1;
    next.copyWithin(copy * count, to * count, (to + 1) * count);
    link[copy] = link[to] ?? 0;
    while (state >= 0 && next[state * count + number] === to) {
      next[state * count + number] = copy;
      state = link[state] ?? -1;
    }
    link[to] = link[own] = copy;
  }
  return { numbers, count, next, link, longest };
}
