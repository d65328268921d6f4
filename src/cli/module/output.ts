import { MESSAGE_MARK } from "../../worker/pipe.ts";
import { type ModuleMessage, parseModuleMessage } from "./messages.ts";

/** Most characters of a message, and of what is kept of a module's standard error. */
const MOST_CHARACTERS = 1 << 20;

/**
 * Reads a module's standard output: messages after their mark, up to the end of the line; all else
 * is what it prints itself. Rejects for a message that is none.
 */
export async function readMessages(
  text: AsyncIterable<string>,
  { take, print }: { take: (message: ModuleMessage) => void; print: (text: string) => void },
): Promise<void> {
  let rest = "";
  for await (const piece of text) {
    rest += piece;
    while (rest !== "") {
      const mark = rest.indexOf(MESSAGE_MARK);
      if (mark !== 0) {
        print(mark < 0 ? rest : rest.slice(0, mark));
        rest = mark < 0 ? "" : rest.slice(mark);
        continue;
      }
      const end = rest.indexOf("\n");
      if (end < 0) break;
      take(parseModuleMessage(rest.slice(MESSAGE_MARK.length, end)));
      rest = rest.slice(end + 1);
    }
    if (rest.length > MOST_CHARACTERS) {
      throw new Error(`expected messages of at most ${MOST_CHARACTERS} characters, got more`);
    }
  }
}

/**
 * A module's standard error: kept until it has begun, for what Deno says of one that does not load
 * is put in one line; passed on from then.
 */
export class ErrorOutput {
  readonly #print: (text: string) => void;
  #kept: string | undefined = "";

  /** Takes what prints a text as it is. */
  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  /** Reads it to its end. */
  async read(text: AsyncIterable<string>): Promise<void> {
    for await (const piece of text) {
      if (this.#kept === undefined) this.#print(piece);
      else this.#kept = (this.#kept + piece).slice(0, MOST_CHARACTERS);
    }
  }

  /** Passes it on. */
  pass(): void {
    if (this.#kept) this.#print(this.#kept);
    this.#kept = undefined;
  }

  /** The error for which the module did not begin, without its place and stack. */
  reason(): string | undefined {
    // deno-lint-ignore no-control-regex
    const plain = this.#kept?.replaceAll(/\x1b\[[0-9;]*m/g, "");
    const found = /^error: (?:Uncaught )?(?:\(in \w+\) )?(?:[A-Z]\w+: )*(.+)$/m.exec(plain ?? "");
    if (found !== null) this.#kept = undefined;
    return found?.[1];
  }
}
