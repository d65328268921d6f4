import { type MachineOptions, runMachine } from "../../src/cluster/mod.ts";

/** Machines of a cluster in this process, one thread each, which end with it. */
export class Machines implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #url: string;
  /** Lines that they have told. */
  readonly notices: string[] = [];

  constructor(url: string, count: number, options: Partial<MachineOptions> = {}) {
    this.#url = url;
    for (let i = 1; i <= count; i++) this.add({ name: `machine ${i}`, ...options });
  }

  /** Starts one more. */
  add(options: Partial<MachineOptions>): void {
    const onNotice = (line: string) => void this.notices.push(line);
    const { signal } = this.#stop;
    this.#running.push(
      runMachine({ url: this.#url, threads: 1, onNotice, ...options, signal }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}
