/** Options of a strategy that are numbers, by name. */
export type StrategyOptions = Readonly<Record<string, number>>;

/** Options of a strategy that are texts, by name. */
export type StrategyTexts = Readonly<Record<string, string>>;

/** How a strategy is made, and the options it has. */
export interface Entry<Made> {
  readonly options: readonly string[];
  /** Options that are texts. */
  readonly texts?: readonly string[];
  make(options: StrategyOptions, texts: StrategyTexts): Made;
}

/** Strategies of one kind by their names. */
export type Entries<Made> = Readonly<Record<string, Entry<Made>>>;

/** A strategy as a text names it. */
export interface Named {
  readonly name: string;
  readonly options: StrategyOptions;
  readonly texts: StrategyTexts;
}

/** Makes a strategy by its name. Throws a `RangeError` for a name or an option that there is not. */
export function makeNamed<Made>(
  entries: Entries<Made>,
  { name, options, texts }: Named,
): Made {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry === undefined) {
    throw new RangeError(
      `Cannot make a strategy: expected one of ${Object.keys(entries).join(", ")}, got ${name}`,
    );
  }
  const { options: numbers, texts: words = [] } = entry;
  for (const option of Object.keys({ ...options, ...texts })) {
    if (numbers.includes(option) && Object.hasOwn(options, option)) continue;
    if (words.includes(option) && Object.hasOwn(texts, option)) continue;
    if (numbers.includes(option)) {
      throw new RangeError(
        `Cannot make ${name}: expected ${option} to be a number, got ${texts[option]}`,
      );
    }
    const known = [...numbers, ...words];
    throw new RangeError(
      `Cannot make ${name}: expected ${
        known.length === 0 ? "no options" : `one of the options ${known.join(", ")}`
      }, got ${option}`,
    );
  }
  return entry.make(options, texts);
}

/** Reads `name` or `name:option=value,option=value`. Throws a `SyntaxError` for anything else. */
export function parseNamed(text: string): Named {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const pairs = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const options: Record<string, number> = {}, texts: Record<string, string> = {};
  for (const pair of pairs) {
    const match = /^\s*([a-z]\w*)\s*=\s*(\S+)\s*$/i.exec(pair);
    const [, key = "", value = ""] = match ?? [];
    const option = key === "lr" ? "learningRate" : key;
    if (match === null || Object.hasOwn(options, option) || Object.hasOwn(texts, option)) {
      throw new SyntaxError(
        `Cannot read the strategy ${text}: expected name or name:option=value,option=value, got ${
          pair.trim() || "nothing"
        } in it`,
      );
    }
    if (Number.isNaN(Number(value))) texts[option] = value;
    else options[option] = Number(value);
  }
  return { name: name.trim(), options, texts };
}
