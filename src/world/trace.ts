/** Log of a world: lines in the order of its events, and a digest of them all. */
export class Trace {
  readonly #onLine: ((line: string) => void) | undefined;
  #low = 0x811C9DC5;
  #high = 0x01000193;
  /** Number of lines. */
  lines = 0;

  /** Creates a log; each line is told to `onLine`, if it is given, and then forgotten. */
  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  /**
   * Adds a line: the time in seconds, the process or machine, and the text.
   *
   * @param millis Time of the world.
   */
  add(millis: number, name: string, text: string): void {
    const line = `${(millis / 1000).toFixed(6).padStart(14)} ${name.padEnd(10)} ${text}`;
    this.lines++;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      this.#low = Math.imul(this.#low ^ code, 0x01000193);
      this.#high = Math.imul(this.#high ^ code, 0x85EBCA6B) ^ (this.#low >>> 15);
    }
    this.#onLine?.(line);
  }

  /** Digest of all lines so far, 16 hexadecimal digits. Not one of cryptography. */
  get digest(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0"))
      .join("");
  }
}
