import { ConnectionClosedError, ProtocolError } from "../errors.ts";
import type { Connection } from "../net/connection.ts";
import type { ProcessGroup, Rank } from "../net/process_group.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { IdAssignmentPayload, MessageOf } from "../wire/messages.ts";

/** A client as the server knows it: the rank is the connection's, whatever a message says. */
export interface Member {
  readonly connection: Connection;
  rank: Rank | undefined;
  /** Number of messages that are on their way to it. */
  sending: number;
}

/** What a server tells a client that joins. */
export type Welcome = Omit<IdAssignmentPayload, "rank" | "worldSize">;

/** Takes a client through registration: its rank, then the model, then its word that it is ready. */
export async function register(
  member: Member,
  group: ProcessGroup<Member>,
  welcome: Welcome,
): Promise<{ rank: Rank; agent: string; numSamples: number }> {
  const { connection } = member;
  const registration = await expectMessage(connection, MessageCode.Registration);
  const { rank: wanted, worldSize, agent } = registration.payload;
  if (worldSize !== undefined && worldSize !== group.worldSize) {
    throw new ProtocolError(
      "world-size-mismatch",
      `Cannot join: expected a world size of ${group.worldSize}, got ${worldSize}`,
    );
  }
  const rank = group.claim(member, wanted);
  member.rank = rank;
  await connection.send({
    code: MessageCode.IdAssignment,
    payload: { ...welcome, rank, worldSize: group.worldSize },
  });
  const { payload } = await expectMessage(connection, MessageCode.Ready);
  if (payload.manifestDigest !== welcome.manifestDigest) {
    throw new ProtocolError(
      "manifest-mismatch",
      `Cannot join: expected the manifest digest ${welcome.manifestDigest}, got ${payload.manifestDigest}`,
    );
  }
  return { rank, agent, numSamples: payload.numSamples };
}

async function expectMessage<Code extends MessageCode>(
  connection: Connection,
  code: Code,
): Promise<MessageOf<Code>> {
  const unexpected = (got: MessageCode) =>
    new ProtocolError(
      "unexpected-code",
      `Cannot join: expected ${messageName(code)}, got ${messageName(got)}`,
    );
  const received = await connection.receive({
    place: (header) => {
      throw unexpected(header.code);
    },
  });
  const message = received?.message;
  if (message === undefined) {
    throw new ConnectionClosedError(
      `Lost the connection to ${connection.remote}: it was closed during registration`,
    );
  }
  if (message.code === MessageCode.Error) {
    throw new ConnectionClosedError(
      `Lost the client at ${connection.remote}: it said: ${message.payload.message}`,
    );
  }
  if (message.code !== code) throw unexpected(message.code);
  return message as MessageOf<Code>;
}
