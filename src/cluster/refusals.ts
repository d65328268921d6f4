import { ClusterError } from "./cluster_error.ts";
import type { KnownMachines } from "./known_machines.ts";
import { ownerOf } from "./names.ts";

/** Attempts of a block whose outcomes cannot be used, without those of machines left out. */
const MOST_ATTEMPTS = 6;
/** Outcomes of a machine, one after the other, after whose refusal it is left out. */
const MOST_OF_MACHINE = 3;

/**
 * Outcomes that could not be used: whose they were, and which machines are left out for them. What
 * counts of a machine is the key of its user, where it has one: its id is of its own choosing.
 */
export class Refusals {
  readonly #machines: KnownMachines;
  readonly #onNotice: (line: string) => void;
  /** Refused outcomes since the last good one, by owner. */
  readonly #byOwner = new Map<string, number>();
  readonly #leftOut = new Set<string>();
  /** Owners of the refused outcomes of the block that is waited for. */
  #ofBlock: string[] = [];
  /** Number of outcomes that were refused. */
  count = 0;

  constructor(machines: KnownMachines, onNotice: (line: string) => void) {
    this.#machines = machines;
    this.#onNotice = onNotice;
  }

  /** Owners of the machines that are left out. */
  get leftOut(): readonly string[] {
    return [...this.#leftOut];
  }

  /** Reports whether a machine is left out. */
  has(machine: string): boolean {
    return this.#leftOut.has(ownerOf(machine));
  }

  /** Notes that the block that is waited for has an outcome of a machine. */
  accept(machine: string): void {
    this.#byOwner.delete(ownerOf(machine));
    this.#ofBlock = [];
  }

  /**
   * Notes an outcome that cannot be used, before its block is given to a machine again.
   *
   * @throws {ClusterError} If too many outcomes of the block were refused.
   */
  refuse(machine: string, error: ClusterError): void {
    const isAgain = this.has(machine);
    this.#ofBlock.push(ownerOf(machine));
    if (isAgain) this.count++;
    else this.#note(machine);
    const attempts = this.#ofBlock.filter((owner) => !this.#leftOut.has(owner)).length;
    const isLast = !isAgain && this.has(machine) && this.#machines.threads === 0;
    if (isLast || attempts >= MOST_ATTEMPTS) {
      const what = isLast ? "outcomes of every machine" : `${attempts} outcomes of a block of jobs`;
      throw new ClusterError(
        "bad-message",
        `Cannot go on: ${what} were refused, the last of ${
          this.#nameOf(machine)
        }: ${error.message}`,
        { cause: error },
      );
    }
    if (isAgain) return;
    this.#tell(
      machine,
      `Refused what ${this.#nameOf(machine)} sent, and gave the jobs to another: ${error.message}`,
    );
  }

  /** Notes that other machines have shown an outcome of a machine to be wrong. */
  blame(machine: string, what: string): void {
    if (this.has(machine)) return;
    this.#note(machine);
    this.#tell(
      machine,
      `Refused what ${this.#nameOf(machine)} sent: ${what}, and others say otherwise`,
    );
  }

  #note(machine: string): void {
    const owner = ownerOf(machine), count = (this.#byOwner.get(owner) ?? 0) + 1;
    this.count++;
    this.#byOwner.set(owner, count);
    if (count < MOST_OF_MACHINE) return;
    this.#leftOut.add(owner);
    this.#machines.leaveOut(owner);
  }

  #tell(machine: string, line: string): void {
    this.#onNotice(line);
    if (!this.has(machine)) return;
    this.#onNotice(
      `Left out ${this.#nameOf(machine)}: ${MOST_OF_MACHINE} of its outcomes in a row were refused`,
    );
  }

  #nameOf(machine: string): string {
    return `machine ${this.#machines.nameOf(machine)}`;
  }
}
