import type { Rank } from "../../base/rank.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { TimedEntry } from "../history.ts";
import type { EndCause, Side } from "../network/tap.ts";
import type { Frame } from "../watch/frames.ts";
import type { Entered } from "../watch/moment.ts";
import type { MessageWatcher, WatchedConnection } from "../watch/wiretap.ts";
import type { Counts } from "./counts.ts";
import { END_WORDS, eventOf, SIDE_MACHINES } from "./events.ts";

/** Connection with the states of its machines. */
interface Conversation {
  readonly of: WatchedConnection;
  readonly states: Map<string, string>;
  rank: Rank | undefined;
  /** Unset if one side breaks the rules. */
  readonly isByRule: boolean;
  /** Sides that have come to their end. */
  readonly over: Set<Side>;
}

/** Observer that follows all machines of a federation, and counts their transitions. */
export class Observer implements MessageWatcher {
  readonly #counts: Counts;
  readonly #onEntered: (entered: Entered) => void;
  readonly #breaksRules: (machine: string) => boolean;
  readonly #conversations = new Map<number, Conversation>();
  readonly #ranks = new Map<Rank, string>();
  #server: string;
  #saves: string;

  /**
   * Creates an observer of a federation that has not begun.
   *
   * @param breaksRules Returns true for machines whose programs break the rules. What they do is
   * not counted.
   */
  constructor(
    counts: Counts,
    onEntered: (entered: Entered) => void = () => {},
    breaksRules: (machine: string) => boolean = () => false,
  ) {
    this.#counts = counts;
    this.#onEntered = onEntered;
    this.#breaksRules = breaksRules;
    this.#server = counts.startOf("server");
    this.#saves = counts.startOf("checkpoints");
  }

  opened(of: WatchedConnection): void {
    const states = new Map<string, string>();
    for (const name of [...SIDE_MACHINES.near, ...SIDE_MACHINES.far]) {
      states.set(name, this.#counts.startOf(name));
    }
    const isByRule = !this.#breaksRules(of.near) && !this.#breaksRules(of.far);
    this.#conversations.set(of.connection, {
      of,
      states,
      rank: undefined,
      isByRule,
      over: new Set(),
    });
    this.#enter("client", states.get("client") ?? "", of.near);
    this.#enter("session", states.get("session") ?? "", of.near);
  }

  sent(of: WatchedConnection, side: Side, frame: Frame): void {
    const { message } = frame, conversation = this.#conversations.get(of.connection);
    if (message?.code === 6 && conversation) conversation.rank = message.payload.rank;
    if (message?.code === 8 && !this.#breaksRules(side === "near" ? of.near : of.far)) {
      const by = side === "near" ? "refusals of the client" : "refusals of the server";
      this.#counts.step(by, "any", message.payload.fault);
    }
    this.#stepAll(of, side, (machine) => eventOf(machine, "sends", frame));
  }

  arrived(of: WatchedConnection, side: Side, frame: Frame): void {
    this.#stepAll(of, side, (machine) => eventOf(machine, "gets", frame));
  }

  ended(of: WatchedConnection, side: Side, cause: EndCause): void {
    this.#stepAll(of, side, () => END_WORDS[side][cause]);
    const over = this.#conversations.get(of.connection)?.over.add(side);
    if (over?.size === 2) this.#conversations.delete(of.connection);
  }

  /** Takes an event that the server tells of. */
  tell(event: ServerEvent): void {
    switch (event.type) {
      case "client-joined":
        return this.#stepRank(event.rank, event.isBack ? "comes back by its token" : "joins anew");
      case "client-away":
        return this.#stepRank(event.rank, "goes away");
      case "client-lost":
        return this.#stepRank(event.rank, "is given up");
      case "round-started":
        return this.#stepServer("begins a round");
      case "round-retried":
        return this.#stepServer("tries a round again");
      case "round-ended": {
        const { dropped, refused } = event.report;
        const how = refused > 0 ? " with a refusal" : dropped > 0 ? " without some" : "";
        return this.#stepServer(`ends a round${how}`);
      }
      case "checkpoint":
        return this.#stepSaves("saves");
      case "checkpoint-failed":
        return this.#stepSaves("cannot save");
      case "finished":
        return this.#stepServer("finishes");
      case "stopped":
        return this.#stepServer("stops");
      case "update-received":
        return this.#stepSession(event.rank, "accepts");
    }
  }

  /** Takes an entry of the history. */
  note(entry: TimedEntry): void {
    if (entry.type !== "started" && entry.type !== "ended") return;
    if (entry.machine !== "server") return;
    if (entry.type === "started") {
      const isResumed = entry.resumedFrom !== undefined;
      const event = isResumed ? "goes on from a checkpoint" : "starts anew";
      this.#stepSaves(event);
      return this.#stepServer(event);
    }
    this.#stepServer("ends");
    for (const rank of this.#ranks.keys()) this.#stepRank(rank, "server ends");
  }

  #stepAll(
    { connection, near, far }: WatchedConnection,
    side: Side,
    eventFor: (machine: typeof SIDE_MACHINES["near"][number]) => string | undefined,
  ): void {
    const conversation = this.#conversations.get(connection);
    if (conversation === undefined || this.#breaksRules(side === "near" ? near : far)) return;
    for (const machine of SIDE_MACHINES[side]) {
      const event = eventFor(machine);
      if (event !== undefined) this.#step(conversation, machine, event);
    }
  }

  #step({ of, states, isByRule }: Conversation, machine: string, event: string): void {
    const before = states.get(machine) ?? "";
    const state = this.#counts.step(machine, before, event, isByRule);
    if (state === before) return;
    states.set(machine, state);
    this.#enter(machine, state, of.near);
  }

  /** Newest connection of a rank. */
  #connectionOf(rank: Rank): Conversation | undefined {
    let found: Conversation | undefined;
    for (const conversation of this.#conversations.values()) {
      if (conversation.rank === rank) found = conversation;
    }
    return found;
  }

  #stepSession(rank: Rank, event: string): void {
    const found = this.#connectionOf(rank);
    if (found !== undefined) this.#step(found, "session", event);
  }

  #stepRank(rank: Rank, event: string): void {
    const before = this.#ranks.get(rank) ?? this.#counts.startOf("rank");
    const word = before === "free" && event === "joins anew" ? "joins" : event;
    const state = this.#counts.step("rank", before, word);
    this.#ranks.set(rank, state);
    if (state !== before) this.#enter("rank", state, this.#connectionOf(rank)?.of.near);
  }

  #stepServer(event: string): void {
    const before = this.#server;
    this.#server = this.#counts.step("server", before, event);
    if (this.#server !== before) this.#enter("server", this.#server);
  }

  #stepSaves(event: string): void {
    const before = this.#saves;
    this.#saves = this.#counts.step("checkpoints", before, event);
    if (this.#saves !== before) this.#enter("checkpoints", this.#saves);
  }

  #enter(machine: string, state: string, client?: string): void {
    this.#onEntered({ machine, state, ...(client !== undefined && { client }) });
  }
}
