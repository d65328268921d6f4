import type { ServerEvent } from "../../round/report/events.ts";
import type { EndCause, NetworkTap, Side } from "../network/tap.ts";
import { type Frame, FrameStream } from "./frames.ts";

/** Connection as an observer sees it. */
export interface WatchedConnection {
  readonly connection: number;
  /** Machine that has connected. */
  readonly near: string;
  /** Machine that was listening. */
  readonly far: string;
}

/** Observer of the messages of all connections, and of what the server tells of. */
export interface MessageWatcher {
  /** The run begins. `now` gives the time of the world in milliseconds. */
  begin?(now: () => number): void;
  opened?(of: WatchedConnection): void;
  /** A side has sent a message. */
  sent?(of: WatchedConnection, side: Side, frame: Frame): void;
  /** A message has come to a side. */
  arrived?(of: WatchedConnection, side: Side, frame: Frame): void;
  /** A side has come to its end, which is told once. */
  ended?(of: WatchedConnection, side: Side, cause: EndCause): void;
  /** The server has told of an event. */
  tell?(event: ServerEvent): void;
}

/** Connection with the frames of both directions. */
interface Conversation {
  readonly of: WatchedConnection;
  /** Frames by the side that writes them. */
  readonly frames: { readonly [S in Side]: FrameStream };
  readonly over: Set<Side>;
}

/** Tap of a network that puts the bytes of each connection together to messages. */
export class Wiretap implements NetworkTap {
  readonly #now: () => number;
  readonly #watchers: readonly MessageWatcher[];
  readonly #conversations = new Map<number, Conversation>();

  /** Creates a tap. `now` gives the time of the world in milliseconds. */
  constructor(now: () => number, ...watchers: readonly MessageWatcher[]) {
    this.#now = now;
    this.#watchers = watchers;
  }

  opened(connection: number, near: string, far: string): void {
    const of = { connection, near, far };
    const frames = { near: new FrameStream(), far: new FrameStream() };
    this.#conversations.set(connection, { of, frames, over: new Set() });
    for (const watcher of this.#watchers) watcher.opened?.(of);
  }

  written(connection: number, side: Side, bytes: Uint8Array): void {
    const conversation = this.#conversations.get(connection);
    if (conversation === undefined) return;
    for (const frame of conversation.frames[side].write(bytes, this.#now())) {
      for (const watcher of this.#watchers) watcher.sent?.(conversation.of, side, frame);
    }
  }

  arrived(connection: number, side: Side, length: number): void {
    const conversation = this.#conversations.get(connection);
    if (conversation === undefined) return;
    const { of, frames, over } = conversation;
    if (over.has(side)) return;
    for (const frame of frames[side === "near" ? "far" : "near"].arrive(length)) {
      for (const watcher of this.#watchers) watcher.arrived?.(of, side, frame);
    }
  }

  ended(connection: number, side: Side, cause: EndCause): void {
    const conversation = this.#conversations.get(connection);
    if (conversation === undefined || conversation.over.has(side)) return;
    const { of, over } = conversation;
    over.add(side);
    if (over.size === 2) this.#conversations.delete(connection);
    for (const watcher of this.#watchers) watcher.ended?.(of, side, cause);
  }
}
