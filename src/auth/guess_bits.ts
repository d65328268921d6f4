/**
 * Common passwords, in lower case, and words of this project: each is found within a thousand
 * guesses.
 */
const WORDS = [
  ...[
    "password",
    "passw0rd",
    "passwort",
    "passphrase",
    "secret",
    "topsecret",
    "letmein",
    "welcome",
  ],
  ...["iloveyou", "sunshine", "princess", "football", "baseball", "superman", "batman", "trustno"],
  ...["dragon", "monkey", "master", "shadow", "freedom", "whatever", "charlie", "michael"],
  ...["changeme", "change", "default", "example", "sample", "testing", "test", "token", "login"],
  ...["admin", "administrator", "root", "user", "guest", "access", "server", "client", "private"],
  ...["fedlab", "federated", "federation", "learning", "hospital", "hello", "world", "thetoken"],
].sort((a, b) => b.length - a.length);
const WORD_BITS = 10;
/** Characters that are written in place of letters. */
const LETTERS: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "l",
  "3": "e",
  "4": "a",
  "5": "s",
  "@": "a",
  "$": "s",
};

/** Rows of letters and keys, which a password may follow in both directions. */
const ROWS = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
const ROWS_BOTH_WAYS = ROWS.flatMap((row) => [row, [...row].reverse().join("")]);
const LEAST_RUN = 3;
const RUN_BITS = 8;
const REPEAT_BITS = 6;

/**
 * Estimates the entropy of a text, in bits. Common words, rows of keys and repetitions count as one
 * choice each; any other character counts as a random one of its kind. The estimate is generous: it
 * finds bad passwords and does not prove good ones.
 */
export function guessBits(text: string): number {
  const lower = text.toLowerCase().replaceAll(/[01345@$]/g, (sign) => LETTERS[sign] ?? sign);
  const plain = text.toLowerCase();
  let bits = 0;
  for (let at = 0; at < text.length;) {
    const word = WORDS.find((word) => lower.startsWith(word, at) || plain.startsWith(word, at));
    const known: [length: number, bits: number][] = [
      [word?.length ?? 0, WORD_BITS],
      [runLength(plain, at), RUN_BITS],
      [repeatLength(plain, at), REPEAT_BITS],
    ];
    const [length, cost] = known.reduce((best, one) => one[0] > best[0] ? one : best);
    if (length >= LEAST_RUN) {
      bits += cost;
      at += length;
    } else {
      bits += Math.log2(kindSize(text.charCodeAt(at)));
      at++;
    }
  }
  return bits;
}

/** Length of the run of one character, or along a row of keys, that begins at a place. */
function runLength(text: string, at: number): number {
  let same = 1;
  while (text[at + same] === text[at]) same++;
  let most = same;
  for (const row of ROWS_BOTH_WAYS) {
    const start = row.indexOf(text[at] ?? "");
    if (start < 0) continue;
    let length = 1;
    while (row[start + length] !== undefined && row[start + length] === text[at + length]) length++;
    most = Math.max(most, length);
  }
  return most;
}

/** Length of the longest piece at a place that also begins further to the left. */
function repeatLength(text: string, at: number): number {
  let most = 0;
  for (let before = 0; before < at; before++) {
    let length = 0;
    while (at + length < text.length && text[before + length] === text[at + length]) length++;
    most = Math.max(most, length);
  }
  return most;
}

/** Number of characters of the same kind, such as digits. */
function kindSize(code: number): number {
  const isBetween = (first: string, last: string) =>
    code >= first.charCodeAt(0) && code <= last.charCodeAt(0);
  if (isBetween("0", "9")) return 10;
  if (isBetween("a", "z") || isBetween("A", "Z")) return 26;
  return code === 0x20 ? 4 : 33;
}
