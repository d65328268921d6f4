import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import type { ActiveRun } from "../run/active_run.ts";
import { traceField } from "../run/told_tracer.ts";
import type { Task } from "./tasks.ts";

/**
 * Makes the message with a task, and notes in the task which parameters the client gets.
 *
 * @param lastAccepted Field about the client's last accepted update.
 */
export function taskMessage(
  task: Task,
  run: ActiveRun,
  lastAccepted: { readonly taken?: number },
): Message {
  const { rank, round, version, base, sent } = task;
  task.isCoded = run.readsCodes(rank);
  const parameters = run.partFor(rank, task.isCoded ? sent.parameters : base);
  const vectors = { parameters, ...(sent.coded && { coded: sent.coded }) };
  const coded = task.isCoded ? run.codedFor(rank, vectors, round) : undefined;
  const fields = {
    round,
    ...run.planField(version + 1),
    ...lastAccepted,
    ...traceField(run.tracer),
  };
  return coded === undefined
    ? { code: MessageCode.ParameterUpdate, payload: { ...fields, parameters } }
    : { code: MessageCode.CompressedUpdate, payload: { ...fields, ...coded } };
}
