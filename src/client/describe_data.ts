import type { ClientBackendHandler } from "../train/handler.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message, StatisticsRequestPayload } from "../wire/messages.ts";
import type { ClientStatisticsOptions } from "./options.ts";

/**
 * Answers a question of the server about the data of a handler, within the client's own limits.
 *
 * @param note Called with lines for the client's own log.
 */
export async function describeData(
  handler: ClientBackendHandler,
  { id, minCount, missing, question }: StatisticsRequestPayload,
  { share = "total", minCount: own = 1 }: ClientStatisticsOptions = {},
  note?: (line: string) => void,
): Promise<Message> {
  const rules = {
    minCount: Math.max(minCount, own),
    share,
    ...(missing && { marks: missing }),
    ...(note && { note }),
  };
  const answer = await handler.describeData(question, rules);
  return { code: MessageCode.Statistics, payload: { id, answer } };
}
