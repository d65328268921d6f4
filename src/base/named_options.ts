import { didYouMean } from "./did_you_mean.ts";

/** Name with options, read from a text. */
export interface NamedOptions {
  readonly name: string;
  /** Options that are numbers. */
  readonly numbers: Readonly<Record<string, number>>;
  /** All options as they were written. */
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * Reads `name` or `name:option=value,option=value`; `lr` stands for `learningRate`.
 *
 * @param kind Kind of thing that the text names, for the error.
 * @throws {SyntaxError} If the text has another form.
 */
export function readNamedOptions(kind: string, text: string): NamedOptions {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const pairs = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const numbers: Record<string, number> = {}, texts: Record<string, string> = {};
  for (const pair of pairs) {
    const match = /^\s*([a-z]\w*)\s*=\s*(\S+)\s*$/i.exec(pair);
    const [, key = "", value = ""] = match ?? [];
    const option = key === "lr" ? "learningRate" : key;
    if (match === null || Object.hasOwn(texts, option)) {
      throw new SyntaxError(
        `Cannot read the ${kind} ${text}: expected name or name:option=value,option=value, got ${
          pair.trim() || "nothing"
        } in it`,
      );
    }
    texts[option] = value;
    if (!Number.isNaN(Number(value))) numbers[option] = Number(value);
  }
  return { name: name.trim(), numbers, texts };
}

/**
 * Checks that options are known and of the right type.
 *
 * @throws {RangeError} If one is not; the message lists the known options.
 */
export function checkNamedOptions(
  { name, numbers, texts }: NamedOptions,
  known: { readonly numbers: readonly string[]; readonly texts?: readonly string[] },
): void {
  const { texts: words = [] } = known;
  for (const option of Object.keys({ ...numbers, ...texts })) {
    if (known.numbers.includes(option) && Object.hasOwn(numbers, option)) continue;
    if (words.includes(option) && Object.hasOwn(texts, option)) continue;
    if (known.numbers.includes(option)) {
      throw new RangeError(
        `Cannot make ${name}: expected ${option} to be a number, got ${texts[option]}`,
      );
    }
    if (words.includes(option)) {
      throw new RangeError(
        `Cannot make ${name}: expected ${option} to be a text, got ${numbers[option]}`,
      );
    }
    const all = [...known.numbers, ...words];
    throw new RangeError(
      `Cannot make ${name}: expected ${
        all.length === 0 ? "no options" : `one of the options ${all.join(", ")}`
      }, got ${option}${didYouMean(option, all)}`,
    );
  }
}
