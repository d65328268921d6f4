import type { Connection } from "../../net/connection.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { ExitPayload } from "../../wire/messages.ts";
import type { RankRegistry } from "./rank_registry.ts";
import { receiveRegistration } from "./registration.ts";
import type { Session } from "./session.ts";
import { ClientLeftError } from "./session_end.ts";

/**
 * Sends `Exit` to a client that comes when the run is over. Its rank is not kept any longer.
 *
 * @returns The reason for which its session ends.
 */
export async function sendExit(
  connection: Connection,
  payload: ExitPayload,
  registry: RankRegistry<Session>,
): Promise<ClientLeftError> {
  const { token } = await receiveRegistration(connection);
  await connection.send({ code: MessageCode.Exit, payload });
  const rank = token === undefined ? undefined : registry.rankOf(token);
  if (rank !== undefined) registry.forget(rank);
  return new ClientLeftError("the run is over");
}
