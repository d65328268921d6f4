import type { Refusals } from "../../base/limits/refusals.ts";
import { fingerprintOf } from "../../auth/public_key.ts";
import { entryOf } from "../../auth/allowed_keys.ts";
import { checkProof, type Gatekeeper, makeChallenge, publicKeyOf } from "../../auth/challenge.ts";
import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import type { Connection } from "../../net/connection.ts";
import type { Rank } from "../../base/rank.ts";
import { MessageCode, messageName } from "../../wire/message_code.ts";
import type { IdAssignmentPayload, MessageOf, RegistrationPayload } from "../../wire/messages.ts";
import { whyNotSeated } from "./key_changes.ts";
import { awaitPredecessor } from "./predecessor.ts";
import type { KeyRights, RankRegistry } from "./rank_registry.ts";

/** A client as the server knows it: the rank is the connection's, whatever a message says. */
export interface Member {
  readonly connection: Connection;
  rank: Rank | undefined;
  /** Who it has proven to be, as `checkProof()` says it. */
  identity: string | undefined;
  /** Why the server has ended its session, if it has. */
  ended: ProtocolError | undefined;
  /** Whether its session has ended, whatever its registration still does. */
  isOver: boolean;
  /** Number of messages that are on their way to it. */
  sending: number;
  /** Counts its messages that were refused. */
  readonly refusals: Refusals;
  /** Called once it has a seat. */
  registered(): void;
}

/** What a server tells every client that joins. */
export type JoinReply = Omit<IdAssignmentPayload, "rank" | "worldSize" | "token" | "awaits">;

/** Client that has registered and is ready. */
export interface JoinedClient {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Whether it has shown the session token of an earlier connection. */
  readonly isBack: boolean;
  /**
   * Proven identity of the client: the fingerprint of its key, `"token"`, or `"open"` where no proof
   * is required.
   */
  readonly identity: string;
  /** Name of its key on the server's list. */
  readonly name?: string;
  /** Address of the client, such as `"tcp 10.0.0.7:5123"`. */
  readonly address: string;
  /** Software of the client, as it says. */
  readonly agent: string;
  /** Number of its training samples, as it says. */
  readonly numSamples: number;
  /** Round whose update it will send unasked. */
  readonly round: number | undefined;
  /** Round for which an update was expected of it when its rank was assigned. */
  readonly awaited: number | undefined;
}

/** What a server asks of those who come, and has to give them. */
export interface JoinOptions {
  readonly gatekeeper: Gatekeeper;
  readonly serverName: string;
  readonly reply: JoinReply;
}

/** Takes a client through registration: its proof, its seat, then the model, then its word that it is ready. */
export async function register(
  member: Member,
  registry: RankRegistry<Member>,
  { gatekeeper, serverName, reply }: JoinOptions,
  pending: { pendingRound(rank: Rank): number | undefined },
): Promise<{ client: JoinedClient; token: string }> {
  const { connection } = member;
  const { agent, ...claim } = await registrationOf(connection);
  let identity = "open";
  // Before the seat is claimed, since that may cost another connection its place.
  if (gatekeeper.kind !== "open") {
    const challenge = makeChallenge(gatekeeper, { server: serverName, run: reply.run });
    await connection.send({ code: MessageCode.Challenge, payload: challenge });
    const proof = await expectMessage(connection, MessageCode.Proof);
    identity = await checkProof(gatekeeper, challenge, proof.payload);
    member.identity = identity;
    // From here on a change of the list ends its session; one may have come while the proof was
    // checked.
    const reason = whyNotSeated(gatekeeper, identity);
    if (reason !== undefined) throw new ProtocolError("not-authorized", `Cannot join: ${reason}`);
  }
  const { key, ...shown } = await rightsOf(identity, gatekeeper);
  const wish = { ...claim, identity, ...(key && { key }) };
  await awaitPredecessor(member, registry, wish, reply.heartbeatSeconds);
  if (member.isOver) {
    throw new ConnectionClosedError("it did not finish its registration in time");
  }
  const { rank, token } = registry.claim(member, wish, ({ connection }) => {
    connection.abort(new ConnectionClosedError("the client has a new connection"));
  });
  member.rank = rank;
  member.registered();
  const awaited = pending.pendingRound(rank);
  await connection.send({
    code: MessageCode.IdAssignment,
    payload: {
      ...reply,
      rank,
      worldSize: registry.group.worldSize,
      token,
      ...(awaited !== undefined && { awaits: awaited }),
    },
  });
  const { payload } = await expectMessage(connection, MessageCode.Ready);
  if (payload.manifestDigest !== reply.manifestDigest) {
    throw new ProtocolError(
      "manifest-mismatch",
      `Cannot join: expected the manifest digest ${reply.manifestDigest}, got ${payload.manifestDigest}`,
    );
  }
  const { numSamples, round } = payload;
  const isBack = token === claim.token;
  const address = connection.remote;
  const client = { rank, isBack, ...shown, address, agent, numSamples, round, awaited };
  return { client, token };
}

/** What an identity is called, and what a key may have. */
async function rightsOf(
  identity: string,
  gatekeeper: Gatekeeper,
): Promise<Pick<JoinedClient, "identity" | "name"> & { key?: KeyRights }> {
  const publicKey = publicKeyOf(identity);
  if (publicKey === undefined || gatekeeper.kind !== "keys") return { identity };
  const { allowed, seatsPerKey: seats = 1 } = gatekeeper;
  const { name, rank } = entryOf(allowed, publicKey);
  const isReserved = (rank: Rank) => {
    const holder = allowed.holderOf?.(rank);
    return holder !== undefined && holder !== publicKey;
  };
  return {
    identity: await fingerprintOf(publicKey),
    ...(name !== "" && { name }),
    key: { seats, isReserved, ...(rank !== undefined && { rank }) },
  };
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
  const lastWord = message.code === MessageCode.Error
    ? message.payload.message
    : message.code === MessageCode.Exit
    ? message.payload.reason
    : undefined;
  if (lastWord !== undefined) {
    throw new ConnectionClosedError(
      `Lost the client at ${connection.remote}: it said: ${lastWord}`,
    );
  }
  if (message.code !== code) throw unexpected(message.code);
  return message as MessageOf<Code>;
}
