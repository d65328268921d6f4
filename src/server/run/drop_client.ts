import type { Rank } from "../../base/rank.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Sessions } from "../sessions/sessions.ts";

/** Tells a client that the run is over for it; returns false if it is not connected. */
export function dropClient(sessions: Sessions, rank: Rank): boolean {
  return sessions.send(rank, {
    code: MessageCode.Exit,
    payload: { reason: "the server's operator has ended this client's part", over: true },
  });
}
