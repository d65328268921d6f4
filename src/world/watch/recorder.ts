import type { ServerEvent } from "../../round/report/events.ts";
import type { Side } from "../network/tap.ts";
import type { Frame } from "./frames.ts";
import type { PictureMessage, PictureRow } from "./picture.ts";
import type { MessageWatcher, WatchedConnection } from "./wiretap.ts";

/** Fields of messages that a picture shows. */
const DETAILS = ["round", "attempt", "rank", "awaits", "fault", "reason", "base"] as const;

/** Recorder of what a sequence diagram of a run shows. */
export class Recorder implements MessageWatcher {
  /** Rows in the order of their times. */
  readonly rows: PictureRow[] = [];
  readonly #lanes: readonly string[];
  /** Messages on their way. */
  readonly #onWay = new Map<Frame, PictureMessage>();
  #now = () => 0;

  /** Creates a recorder of some machines. */
  constructor(lanes: readonly string[]) {
    this.#lanes = lanes;
  }

  begin(now: () => number): void {
    // As the lines of the log have it.
    this.#now = () => Number((now() / 1000).toFixed(6));
  }

  sent({ near, far }: WatchedConnection, side: Side, frame: Frame): void {
    const [from, to] = side === "near" ? [near, far] : [far, near];
    const row: PictureMessage = {
      type: "message",
      at: this.#now(),
      from: this.#lanes.indexOf(from),
      to: this.#lanes.indexOf(to),
      code: frame.message?.code ?? -1,
      name: frame.name,
      detail: detailOf(frame),
    };
    this.rows.push(row);
    this.#onWay.set(frame, row);
  }

  arrived(_: WatchedConnection, __: Side, frame: Frame): void {
    const row = this.#onWay.get(frame);
    this.#onWay.delete(frame);
    if (row !== undefined) row.arrived = this.#now();
  }

  tell(event: ServerEvent): void {
    const at = this.#now();
    switch (event.type) {
      case "round-started": {
        const { round, cohort } = event;
        const text = `round ${round} begins with ranks ${cohort.join(", ")}`;
        return void this.rows.push({ type: "event", at, text, round, begins: true });
      }
      case "round-ended": {
        const { round, received, dropped, refused } = event.report;
        const text =
          `round ${round} ends: ${received} received, ${refused} refused, ${dropped} dropped`;
        return void this.rows.push({ type: "event", at, text, round, begins: false });
      }
      case "round-retried":
        return this.#tell(`round ${event.round} is tried again`);
      case "checkpoint":
        return this.#tell(`round ${event.round} is saved`);
      case "checkpoint-failed":
        return this.#tell(`round ${event.round} cannot be saved: ${event.reason}`);
      case "client-joined":
        return this.#tell(`rank ${event.rank} ${event.isBack ? "is back" : "has joined"}`);
      case "client-away":
        return this.#tell(`rank ${event.rank} is away: ${event.reason}`);
      case "client-lost":
        return this.#tell(`rank ${event.rank} is given up: ${event.reason}`);
      case "update-refused":
        return this.#tell(`an update of rank ${event.rank} is refused: ${event.fault}`);
      case "finished":
        return this.#tell("the run is over");
      case "stopped":
        return this.#tell(`the run stops: ${event.reason}`);
    }
  }

  /** Takes a line of the world's log: faults, and what happens to processes. */
  line(line: string): void {
    const match = /^ *([\d.]+) (\S+) +(.*)$/.exec(line);
    if (match === null) return;
    const [, , name = "", text = ""] = match, at = Number(match[1]);
    if (name === "fault") return void this.rows.push({ type: "fault", at, text });
    const lane = this.#lanes.indexOf(name);
    if (lane < 0) return;
    const type = text === "starts" ? "up" : /^ends by /.test(text) ? "down" : "log";
    this.rows.push({ type, at, lane, text });
  }

  #tell(text: string): void {
    this.rows.push({ type: "event", at: this.#now(), text });
  }
}

function detailOf({ message }: Frame): string {
  if (message === undefined) return "";
  const fields = new Map<string, unknown>(Object.entries(message.payload));
  return DETAILS.flatMap((name) => fields.has(name) ? [`${name} ${fields.get(name)}`] : [])
    .join(", ");
}
