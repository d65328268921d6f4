import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { FederationPlan } from "../federation/plan.ts";
import type { HistoryEntry, TimedEntry } from "../history.ts";
import { isEqual } from "./counted_once.ts";
import type { Invariant } from "./invariant.ts";
import { Reference, type ReferenceUpdate } from "./reference.ts";

type Entry<Type extends HistoryEntry["type"]> = Extract<TimedEntry, { readonly type: Type }>;

/**
 * The model of a round is the one that a second server makes of what the clients say they have
 * trained, bit for bit: from the model of the round before, in order of rank, and with masks from
 * the sum without masks. Of the first server's record only the ranks that count are used.
 */
export const modelOfUpdates: Invariant = {
  name: "the model of a round is that of its clients' updates",
  breaches({ federation: { history, plan } }) {
    return isReproducible(plan) ? new Checker(plan).check(history.entries) : [];
  },
};

/** Returns true if all that a round's model follows from is known outside of the server. */
function isReproducible(plan: FederationPlan): boolean {
  const { isAsync, uplink, downlink, privacy, clientPrivacy, strategy } = plan;
  if (isAsync || uplink !== undefined || downlink !== undefined) return false;
  if (privacy !== undefined || clientPrivacy !== undefined) return false;
  // Clients keep a part of what they train.
  return !/^(ditto|fedper)/.test(strategy);
}

/** Reader of a history that makes each model again. */
class Checker {
  readonly #reference: Reference;
  /** Trainings by machine and round. */
  readonly #trained = new Map<string, Entry<"trained">[]>();
  /** Machines by rank. */
  readonly #machines = new Map<Rank, string>();
  #taken = new Map<Rank, ParameterVector | undefined>();
  readonly #breaches: string[] = [];

  constructor(plan: FederationPlan) {
    this.#reference = new Reference(plan);
  }

  check(entries: readonly TimedEntry[]): readonly string[] {
    for (const entry of entries) {
      this.#read(entry);
      // What follows from a wrong model is wrong, too.
      if (this.#breaches.length > 0) break;
    }
    return this.#breaches;
  }

  #read(entry: TimedEntry): void {
    switch (entry.type) {
      case "started":
        if (entry.machine === "server") this.#reference.goOnFrom(entry.resumedFrom ?? 0);
        return;
      case "admitted":
        this.#machines.set(entry.rank, machineOf(entry.address));
        return;
      case "trained": {
        const key = `${entry.machine} ${entry.round}`, before = this.#trained.get(key);
        if (before === undefined) this.#trained.set(key, [entry]);
        else before.push(entry);
        return;
      }
      case "opened":
        this.#taken = new Map();
        return;
      case "taken":
        this.#taken.set(entry.rank, entry.vector);
        return;
      case "summed":
        this.#taken = new Map(entry.ranks.map((rank) => [rank, undefined]));
        return;
      case "round":
        return this.#checkRound(entry);
    }
  }

  #checkRound({ report: { round }, model }: Entry<"round">): void {
    // A server that has started again tells of its last round, which it may have told before.
    if (round === this.#reference.round) return this.#compare(round, model, this.#taken.keys());
    const updates: ReferenceUpdate[] = [];
    for (const [rank, taken] of this.#taken) {
      const update = this.#updateOf(rank, round, taken);
      if (update === undefined) {
        this.#breaches.push(
          `round ${round} counts an update of rank ${rank}, whose client has trained none from the model before`,
        );
        return;
      }
      updates.push(update);
    }
    this.#reference.make(round, updates);
    this.#compare(round, model, this.#taken.keys());
  }

  #compare(round: number, model: ParameterVector, ranks: Iterable<Rank>): void {
    if (isEqual(this.#reference.model, model)) return;
    const text = [...ranks].join(", ");
    this.#breaches.push(`the model of round ${round} is not that of the updates of ${text}`);
  }

  /** Finds what the client of a rank has trained from the model of the round before. */
  #updateOf(
    rank: Rank,
    round: number,
    taken: ParameterVector | undefined,
  ): ReferenceUpdate | undefined {
    const machine = this.#machines.get(rank) ?? "";
    const own = (this.#trained.get(`${machine} ${round}`) ?? [])
      .filter(({ start }) => isEqual(start, this.#reference.model));
    const found = taken && own.find(({ result }) => isEqual(result, taken)) || own.at(-1);
    if (found === undefined) return undefined;
    const client = Number(machine.slice("client-".length));
    return { rank, client, start: found.start, result: found.result };
  }
}

/** Returns the machine of an address as a server knows it. */
export function machineOf(address: string): string {
  return address.replace(/^world (.*):\d+$/, "$1");
}
