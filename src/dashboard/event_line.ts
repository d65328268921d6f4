import { oneLine, shortened } from "../base/printable.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { EventLine } from "./view.ts";

/** Largest number of characters of a text that a peer or a file gives. */
export const MAX_TEXT = 300;

/** Cuts a text of a peer to one short line without invisible characters. */
export function safeText(text: string): string {
  return shortened(oneLine(shortened(text, 4 * MAX_TEXT)), MAX_TEXT);
}

/** Describes an event in one line; `undefined` for those that the view shows otherwise. */
export function eventLine(event: ServerEvent, at: number): EventLine | undefined {
  const line = (text: string, isTrouble = false): EventLine => ({
    at,
    type: event.type,
    text: safeText(text),
    ...(isTrouble && { isTrouble }),
  });
  switch (event.type) {
    case "listening":
      return line(`Listening on ${event.address}`);
    case "client-joined": {
      const name = event.name ?? event.site;
      const who = `Client ${event.rank}${name === undefined ? "" : ` (${name})`}`;
      return line(`${who} ${event.isBack ? "is back" : "joined"} from ${event.address}`);
    }
    case "client-refused":
      return line(`${event.address} was not admitted: ${event.message}`, true);
    case "keys-changed": {
      const { added, removed, changed } = event;
      return line(
        `Allowed keys: ${added.length} added, ${removed.length} removed, ${changed.length} changed`,
      );
    }
    case "update-refused":
      return line(`Update of client ${event.rank} refused: ${event.message}`, true);
    case "client-away":
      return line(`Client ${event.rank} lost its connection: ${event.reason}`, true);
    case "client-lost":
      return line(`Client ${event.rank} left: ${event.reason}`, true);
    case "round-retried":
      return line(
        `Round ${event.round} is tried again: ${event.received} of ${event.quorum} updates`,
        true,
      );
    case "checkpoint-failed":
      return line(`Checkpoint of round ${event.round} failed: ${event.reason}`, true);
    case "stopped":
      return line(`Stopped: ${event.reason}`, true);
    case "finished":
      return line(`Finished after ${event.report.rounds.length} rounds`);
  }
}
