import { errorMessage } from "../../base/errors.ts";
import { schemaDigest } from "../../data/schema/digest.ts";
import { loadEncoder } from "../../wire/cbor.ts";
import { encodeFrame, PREFIX_BYTES } from "../../wire/frame.ts";
import { DEFAULT_LIMITS } from "../../wire/limits.ts";
import { idAssignment } from "../../wire/messages/id_assignment.ts";
import { readBody } from "../../wire/body_reader.ts";
import type { JoinReply } from "../sessions/registration.ts";
import type { ServerTopology } from "./server_topology.ts";
import type { SubModels } from "./sub_models.ts";

/** Bytes for the fields that differ from client to client. */
const SPARE_BYTES = 64;

/**
 * Makes the reply to every client that joins a run of that name.
 *
 * @throws {RangeError} If model and schema do not fit into a message.
 */
export async function joinReplyOf(
  { handler, options, timeouts, mode }: ServerTopology,
  run: string,
  subModels: SubModels,
): Promise<JoinReply> {
  const { schema, codecs } = handler;
  const reply: JoinReply = {
    rounds: options.rounds,
    run,
    heartbeatSeconds: timeouts.heartbeatSeconds,
    // Gathering the group may take as long; a round's time-out is given twice to clients that have
    // begun to answer.
    patienceSeconds: Math.max(timeouts.joinSeconds, 2 * timeouts.roundSeconds),
    seed: handler.seed,
    strategy: handler.strategyName,
    // A client that knows no modes is synchronous.
    ...(mode !== "sync" && { mode }),
    // Clients keep it for the whole run, so it must not change with the handler's.
    plan: structuredClone(handler.plan),
    ...(handler.privacy && { privacy: handler.privacy.announced }),
    ...(options.clientPrivacy !== undefined && { clientPrivacy: options.clientPrivacy }),
    ...(handler.allows && { allows: handler.allows }),
    manifest: handler.manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
      name,
      shape,
      dtype,
      trainable,
    })),
    ...subModels.field,
    manifestDigest: await handler.manifest.digest(),
    ...(handler.model && { model: { ...handler.model } }),
    ...(codecs?.uplink && { uplink: codecs.uplink.codec.name }),
    ...(codecs?.downlinkName !== undefined && { downlink: codecs.downlinkName }),
    ...(schema && { schema: { ...schema }, schemaDigest: await schemaDigest(schema) }),
  };
  await loadEncoder();
  checkLength(reply);
  return reply;
}

/** Checks that clients accept the message: its length, and the number of its items. */
function checkLength(reply: JoinReply): void {
  const { code } = idAssignment;
  const payload = { ...reply, rank: 1, worldSize: 2, token: "0".repeat(32), awaits: 1 };
  const [frame] = encodeFrame({ code, payload });
  const body = frame?.subarray(PREFIX_BYTES) ?? new Uint8Array();
  const most = DEFAULT_LIMITS.controlBytes - SPARE_BYTES;
  const where = "Cannot send model and schema to the clients";
  if (body.length > most) {
    throw new RangeError(`${where}: expected at most ${most} bytes, got ${body.length}`);
  }
  try {
    readBody(body);
  } catch (cause) {
    throw new RangeError(`${where}: ${errorMessage(cause)}`, { cause });
  }
}
