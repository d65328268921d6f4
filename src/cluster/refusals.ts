import { ClusterError } from "./cluster_error.ts";
import type { KnownMachines } from "./known_machines.ts";

/** Attempts of a block whose outcomes cannot be used, without those of machines left out. */
const MOST_ATTEMPTS = 6;
/** Outcomes of a machine, one after the other, after whose refusal it is left out. */
const MOST_OF_MACHINE = 3;

/** Outcomes that could not be used: whose they were, and which machines are left out for them. */
export class Refusals {
  readonly #machines: KnownMachines;
  readonly #onNotice: (line: string) => void;
  /** Refused outcomes since the last good one, by machine. */
  readonly #byMachine = new Map<string, number>();
  readonly #leftOut = new Set<string>();
  /** Machines of the refused outcomes of the block that is waited for. */
  #ofBlock: (string | undefined)[] = [];
  /** Number of outcomes that were refused. */
  count = 0;

  constructor(machines: KnownMachines, onNotice: (line: string) => void) {
    this.#machines = machines;
    this.#onNotice = onNotice;
  }

  /** Ids of the machines that are left out. */
  get leftOut(): readonly string[] {
    return [...this.#leftOut];
  }

  /** Reports whether a machine is left out. */
  has(machine: string | undefined): boolean {
    return machine !== undefined && this.#leftOut.has(machine);
  }

  /** Notes that the block that is waited for has an outcome of a machine. */
  accept(machine: string): void {
    this.#byMachine.delete(machine);
    this.#ofBlock = [];
  }

  /**
   * Notes an outcome that cannot be used.
   *
   * @param machine Id of the machine, where it has told it.
   * @throws {ClusterError} If too many outcomes of the block were refused.
   */
  refuse(machine: string | undefined, error: ClusterError): void {
    const name = machine === undefined ? "a machine" : `machine ${this.#machines.nameOf(machine)}`;
    const isAgain = this.has(machine);
    this.count++;
    this.#ofBlock.push(machine);
    if (machine !== undefined && !isAgain) {
      const count = (this.#byMachine.get(machine) ?? 0) + 1;
      this.#byMachine.set(machine, count);
      if (count >= MOST_OF_MACHINE) this.#leaveOut(machine);
    }
    const attempts = this.#ofBlock.filter((by) => !this.has(by)).length;
    const isLast = !isAgain && this.has(machine) && this.#machines.threads === 0;
    if (isLast || attempts >= MOST_ATTEMPTS) {
      const what = isLast ? "outcomes of every machine" : `${attempts} outcomes of a block of jobs`;
      throw new ClusterError(
        "bad-message",
        `Cannot go on: ${what} were refused, the last of ${name}: ${error.message}`,
        { cause: error },
      );
    }
    if (isAgain) return;
    this.#onNotice(`Refused what ${name} sent, and gave the jobs to another: ${error.message}`);
    if (this.has(machine)) {
      this.#onNotice(`Left out ${name}: ${MOST_OF_MACHINE} of its outcomes in a row were refused`);
    }
  }

  #leaveOut(machine: string): void {
    this.#leftOut.add(machine);
    this.#machines.leaveOut(machine);
  }
}
