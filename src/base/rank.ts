/**
 * Ranks of the processes in a group.
 *
 * @module
 */

/** A process's number in the group: 0 is the server, 1 to `worldSize - 1` are the clients. */
export type Rank = number;

/** The server's rank. */
export const SERVER_RANK: Rank = 0;

/** Formats ranks as a short text, runs of three or more joined: `"3-7, 9"`. */
export function formatRanks(ranks: readonly Rank[]): string {
  const parts: string[] = [];
  for (let i = 0; i < ranks.length;) {
    let j = i;
    while (j + 1 < ranks.length && ranks[j + 1] === (ranks[j] ?? 0) + 1) j++;
    parts.push(j > i + 1 ? `${ranks[i]}-${ranks[j]}` : ranks.slice(i, j + 1).join(", "));
    i = j + 1;
  }
  return parts.join(", ");
}
