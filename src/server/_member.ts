import { ConnectionClosedError, ProtocolError } from "../errors.ts";
import type { Connection } from "../net/connection.ts";
import type { Rank } from "../net/process_group.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { IdAssignmentPayload, MessageOf, RegistrationPayload } from "../wire/messages.ts";
import type { Seats } from "./_seats.ts";

/** A client as the server knows it: the rank is the connection's, whatever a message says. */
export interface Member {
  readonly connection: Connection;
  rank: Rank | undefined;
  /** Number of messages that are on their way to it. */
  sending: number;
}

/** What a server tells every client that joins. */
export type Welcome = Omit<IdAssignmentPayload, "rank" | "worldSize" | "token" | "awaits">;

/** A client that has registered and is ready. */
export interface Registered {
  readonly rank: Rank;
  readonly token: string;
  readonly agent: string;
  readonly numSamples: number;
  /** The round whose update it will send unasked. */
  readonly round: number | undefined;
}

/** Takes a client through registration: its seat, then the model, then its word that it is ready. */
export async function register(
  member: Member,
  seats: Seats<Member>,
  welcome: Welcome,
  awaits: (rank: Rank) => number | undefined,
): Promise<Registered> {
  const { connection } = member;
  const { agent, ...claim } = await registrationOf(connection);
  const { rank, token } = seats.claim(member, claim, ({ connection }) => {
    connection.abort(new ConnectionClosedError("the client has a new connection"));
  });
  member.rank = rank;
  const round = awaits(rank);
  await connection.send({
    code: MessageCode.IdAssignment,
    payload: {
      ...welcome,
      rank,
      worldSize: seats.group.worldSize,
      token,
      ...(round !== undefined && { awaits: round }),
    },
  });
  const { payload } = await expectMessage(connection, MessageCode.Ready);
  if (payload.manifestDigest !== welcome.manifestDigest) {
    throw new ProtocolError(
      "manifest-mismatch",
      `Cannot join: expected the manifest digest ${welcome.manifestDigest}, got ${payload.manifestDigest}`,
    );
  }
  return { rank, token, agent, numSamples: payload.numSamples, round: payload.round };
}

/** What a client says first. */
export async function registrationOf(connection: Connection): Promise<RegistrationPayload> {
  return (await expectMessage(connection, MessageCode.Registration)).payload;
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
