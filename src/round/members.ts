import { isCount } from "../base/is_count.ts";
import type { Rank } from "../base/rank.ts";
import type { ServerEvent } from "./events.ts";
import type { MemberReport } from "./report.ts";

/** What is counted of a member. */
type Counts = Pick<MemberReport, "received" | "refused" | "dropped">;
type Counted = Omit<MemberReport, keyof Counts> & { -readonly [Name in keyof Counts]: number };

/**
 * Who has had which rank in a run, and what came of it: a client by its rank and identity, so that
 * their number is bounded by that of seats.
 */
export class Members {
  readonly #members = new Map<string, Counted>();
  /** Who has the rank, or had it last. */
  readonly #current = new Map<Rank, Counted>();
  /**
   * Updates that the round took in so far, which count when it ends: those of a try that came to
   * nothing do not.
   */
  readonly #taken: Rank[] = [];

  /** All of them, by rank and then in the order in which they came. */
  get all(): MemberReport[] {
    return [...this.#members.values()].map((member) => ({ ...member }))
      .sort((a, b) => a.rank - b.rank);
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
    const counted = { ...member };
    this.#members.set(keyOf(member.rank, member.identity), counted);
    this.#current.set(member.rank, counted);
  }

  #count(rank: Rank, what: keyof Counts): void {
    const member = this.#current.get(rank);
    if (member !== undefined) member[what]++;
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
