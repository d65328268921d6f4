import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { ServerEvent } from "./events.ts";
import type { MemberReport } from "./report.ts";

/** Counters of a member. */
type Counts = Pick<MemberReport, "received" | "refused" | "dropped">;
type Counted = Omit<MemberReport, keyof Counts> & { -readonly [Name in keyof Counts]: number };

/**
 * Records of the clients that have had a rank in a run. A client is known by its rank and identity,
 * so that the number of records is bounded.
 */
export class MemberRecords {
  readonly #members = new Map<string, Counted>();
  /** The client that has each rank, or had it last. */
  readonly #current = new Map<Rank, Counted>();
  /** Ranks of the updates accepted in the current try of the round. They count when it ends. */
  readonly #accepted: Rank[] = [];

  /** All members, by rank and then in the order in which they joined. */
  get all(): MemberReport[] {
    return [...this.#members.values()].map((member) => ({ ...member }))
      .sort((a, b) => a.rank - b.rank);
  }

  /**
   * Restores the members of a checkpoint.
   *
   * @throws {TypeError} If they are not valid.
   */
  restore(saved: unknown): void {
    this.#members.clear();
    this.#current.clear();
    this.#accepted.length = 0;
    // Older checkpoints have no members.
    if (saved === undefined) return;
    if (!Array.isArray(saved) || !saved.every(isMember)) {
      throw new TypeError(
        "Cannot resume from the checkpoint: expected the members of the run, got something else",
      );
    }
    for (const member of saved) this.#put(member);
  }

  /** Updates the records after an event. */
  onEvent(event: ServerEvent): void {
    switch (event.type) {
      case "client-joined": {
        const { rank, identity, name, site, address, numSamples: samples } = event;
        const before = this.#members.get(memberKey(rank, identity)) ??
          { received: 0, refused: 0, dropped: 0 };
        const { received, refused, dropped } = before;
        this.#put({
          rank,
          identity,
          ...(name !== undefined && { name }),
          ...(site !== undefined && { site }),
          address,
          ...(samples !== undefined && { samples }),
          received,
          refused,
          dropped,
        });
        return;
      }
      case "update-received":
        this.#accepted.push(event.rank);
        return;
      case "update-refused":
        return this.#count(event.rank, "refused");
      case "round-retried":
        this.#accepted.length = 0;
        return;
      case "round-ended":
        for (const rank of this.#accepted.splice(0)) this.#count(rank, "received");
        for (const { rank } of event.report.losses) this.#count(rank, "dropped");
    }
  }

  #put(member: MemberReport): void {
    const counted = { ...member };
    this.#members.set(memberKey(member.rank, member.identity), counted);
    this.#current.set(member.rank, counted);
  }

  #count(rank: Rank, what: keyof Counts): void {
    const member = this.#current.get(rank);
    if (member !== undefined) member[what]++;
  }
}

function memberKey(rank: Rank, identity: string): string {
  return `${rank} ${identity}`;
}

function isMember(value: unknown): value is MemberReport {
  const {
    rank,
    identity,
    name = "",
    site = "",
    address = "",
    samples = 0,
    received,
    refused,
    dropped,
  } = Object(
    value,
  ) as Partial<MemberReport>;
  return [identity, name, site, address].every((text) => typeof text === "string") &&
    [rank, samples, received, refused, dropped].every(isCount);
}
