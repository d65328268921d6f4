import { MessageCode } from "../../mod.ts";
import { FrameReader } from "../../src/wire/frame_reader.ts";

/** Shares that the clients of a run reveal: each process those of one attempt at a round. */
export class Reveals {
  readonly #attempts = new Map<string, number>();
  /** Rounds for which a process has revealed shares twice. */
  readonly faults: string[] = [];
  /** Number of reveals. */
  count = 0;
  #next = Promise.withResolvers<void>();

  /** Resolves when shares are revealed the next time. */
  get next(): Promise<void> {
    return this.#next.promise;
  }

  /**
   * Makes a function that is told what a client sends on a connection.
   *
   * @param client Names the process.
   */
  watch(client: () => string): (bytes: Uint8Array) => void {
    const reader = new FrameReader(), who = client();
    return (bytes) => {
      for (const frame of reader.take(bytes)) {
        const { code, payload } = frame.decode();
        if (code === MessageCode.UnmaskShares) this.#add(who, payload);
      }
    };
  }

  #add(who: string, { round, attempt }: { readonly round: number; readonly attempt: number }) {
    this.count++;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
    const key = `${who} round ${round}`, before = this.#attempts.get(key) ?? attempt;
    this.#attempts.set(key, attempt);
    if (before === attempt) return;
    this.faults.push(`client ${key}: shares of attempts ${before} and ${attempt} were revealed`);
  }
}
