import type { Logger } from "../base/log/log.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message, StatisticsRequestPayload } from "../wire/messages.ts";
import type { ClientStatisticsOptions } from "./options.ts";

/**
 * Answers a question of the server about the data of a handler, within the client's own limits.
 *
 * @param logger The client's own log, for remarks about its data.
 */
export async function describeData(
  handler: ClientBackendHandler,
  { id, minCount, missing, question }: StatisticsRequestPayload,
  { share = "total", minCount: own = 1 }: ClientStatisticsOptions = {},
  logger?: Logger,
): Promise<Message> {
  const rules = {
    minCount: Math.max(minCount, own),
    share,
    ...(missing && { marks: missing }),
    ...(logger && { note: (line: string) => void logger.warn(line) }),
  };
  const answer = await handler.describeData(question, rules);
  return { code: MessageCode.Statistics, payload: { id, answer } };
}
