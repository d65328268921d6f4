import { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { isCannotTrain } from "../../round/cohort/unexpected.ts";
import { updateCodeFor } from "../../round/cohort/update_message.ts";
import { MessageCode, messageName } from "../../wire/message_code.ts";
import { ClientLeftError } from "../sessions/session_end.ts";
import type { ExchangeRunner } from "./exchange_runner.ts";
import type { MessageArguments, ServerTopology } from "./server_topology.ts";

/**
 * Acts on a message that carries no update: takes figures and notices.
 *
 * @throws {ClientLeftError} If the client ends its session.
 * @throws {ProtocolError} If the topology does not expect such a message.
 */
export function handleControl(
  sender: Rank,
  [code, payload]: MessageArguments,
  topology: ServerTopology,
  exchanges: ExchangeRunner,
): void {
  switch (code) {
    case MessageCode.EvaluateParams:
      return exchanges.takeFigures(sender, payload);
    case MessageCode.Error:
      if (isCannotTrain(payload)) return topology.onCannotTrain(sender, payload);
      throw new ClientLeftError(payload.message);
    case MessageCode.Exit:
      throw new ClientLeftError(payload.reason);
    default:
      throw unexpectedCode(sender, code, topology);
  }
}

/** Error for a message code that the topology does not expect from a client. */
export function unexpectedCode(
  rank: Rank,
  code: MessageCode,
  { handler: { plan }, messageCodes }: ServerTopology,
): ProtocolError {
  const known = [updateCodeFor(plan), ...messageCodes, MessageCode.EvaluateParams];
  return new ProtocolError(
    "unexpected-code",
    `Cannot follow rank ${rank}: expected ${known.map(messageName).join(", ")} or Exit, got ${
      messageName(code)
    }`,
  );
}
