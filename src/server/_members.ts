import { isCount } from "../_is_count.ts";
import type { Rank } from "../net/process_group.ts";
import type { ServerEvent } from "./events.ts";
import type { MemberReport } from "./report.ts";

/**
 * Who has had which rank in a run, and what came of it: a client by its rank and identity, so that
 * their number is bounded by that of seats.
 */
export class Members {
  readonly #members = new Map<string, MemberReport>();
  /** Who has the rank, or had it last. */
  readonly #current = new Map<Rank, string>();
  /**
   * Updates that the round took in so far, which count when it ends: those of a try that came to
   * nothing do not.
   */
  readonly #taken: Rank[] = [];

  /** All of them, by rank and then in the order in which they came. */
  get all(): MemberReport[] {
    return [...this.#members.values()].sort((a, b) => a.rank - b.rank);
  }

  /** Takes up what was kept; throws a `TypeError` when it is not that. */
  restore(saved: unknown): void {
    this.#members.clear();
    this.#current.clear();
    this.#taken.length = 0;
    // Older checkpoints have none.
    if (saved === undefined) return;
    if (!Array.isArray(saved) || !saved.every(isMember)) {
      throw new TypeError(
        "Cannot resume from the checkpoint: expected the members of the run, got something else",
      );
    }
    for (const member of saved) this.#put(member);
  }

  /** Takes in what happened. */
  see(event: ServerEvent): void {
    switch (event.type) {
      case "client-joined": {
        const { rank, identity, name, address, numSamples: samples } = event;
        const before = this.#members.get(keyOf(rank, identity)) ??
          { received: 0, refused: 0, dropped: 0 };
        const { received, refused, dropped } = before;
        this.#put({
          rank,
          identity,
          ...(name !== undefined && { name }),
          address,
          samples,
          received,
          refused,
          dropped,
        });
        return;
      }
      case "update-received":
        this.#taken.push(event.rank);
        return;
      case "update-refused":
        return this.#count(event.rank, "refused");
      case "round-retried":
        this.#taken.length = 0;
        return;
      case "round-ended":
        for (const rank of this.#taken.splice(0)) this.#count(rank, "received");
        for (const { rank } of event.report.losses) this.#count(rank, "dropped");
    }
  }

  #put(member: MemberReport): void {
    const key = keyOf(member.rank, member.identity);
    this.#members.set(key, member);
    this.#current.set(member.rank, key);
  }

  #count(rank: Rank, what: "received" | "refused" | "dropped"): void {
    const key = this.#current.get(rank) ?? "";
    const member = this.#members.get(key);
    if (member !== undefined) this.#members.set(key, { ...member, [what]: member[what] + 1 });
  }
}

function keyOf(rank: Rank, identity: string): string {
  return `${rank} ${identity}`;
}

function isMember(value: unknown): value is MemberReport {
  const { rank, identity, name = "", address = "", samples, received, refused, dropped } = Object(
    value,
  ) as Partial<MemberReport>;
  return [identity, name, address].every((text) => typeof text === "string") &&
    [rank, samples, received, refused, dropped].every(isCount);
}
