import { MESSAGE_MARK } from "../../worker/pipe.ts";
import { type ModuleMessage, parseModuleMessage } from "./messages.ts";

/** Largest number of characters of a message, and of the standard error that is kept. */
const MOST_CHARACTERS = 1 << 20;

/**
 * Separates a module's standard output into messages, which follow a mark and end with the line,
 * and the text that the module prints itself.
 *
 * @throws {Error} If the text after a mark is not a message.
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
 * Standard error of a module. It is kept until the module has started, so that Deno's report of a
 * module that does not load can be shortened to one line, and printed from then on.
 */
export class ErrorOutput {
  readonly #print: (text: string) => void;
  #kept: string | undefined = "";

  /** Keeps the output until {@linkcode pass} prints it with the function. */
  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  /** Reads the output to its end. */
  async read(text: AsyncIterable<string>): Promise<void> {
    for await (const piece of text) {
      if (this.#kept === undefined) this.#print(piece);
      else this.#kept = (this.#kept + piece).slice(0, MOST_CHARACTERS);
    }
  }

  /** Prints the output kept so far, and all further output at once. */
  pass(): void {
    if (this.#kept) this.#print(this.#kept);
    this.#kept = undefined;
  }

  /** Finds the error that kept the module from starting, without its place and stack. */
  reason(): string | undefined {
    // deno-lint-ignore no-control-regex
    const plain = this.#kept?.replaceAll(/\x1b\[[0-9;]*m/g, "");
    const found = /^error: (?:Uncaught )?(?:\(in \w+\) )?(?:[A-Z]\w+: )*(.+)$/m.exec(plain ?? "");
    if (found !== null) this.#kept = undefined;
    return found?.[1];
  }
}
