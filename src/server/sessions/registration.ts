import { fingerprintOf } from "../../auth/public_key.ts";
import { entryOf } from "../../auth/allowed_keys.ts";
import { checkProof, type Gatekeeper, makeChallenge, publicKeyOf } from "../../auth/challenge.ts";
import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import type { Connection } from "../../net/connection.ts";
import {
  receiveRegistrationMessage,
  unexpectedRegistrationCode,
} from "../../net/registration_message.ts";
import type { Rank } from "../../base/rank.ts";
import { type OwnSettings, refusedSetting } from "../../plan/own_settings.ts";
import type { ClaimedBase } from "../../round/handler/held_models.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { IdAssignmentPayload, MessageOf, RegistrationPayload } from "../../wire/messages.ts";
import { type AgreedCodecs, agreedCodecs } from "./codec_agreement.ts";
import { whyNotSeated } from "./key_changes.ts";
import { awaitPredecessor } from "./predecessor.ts";
import type { KeyRights } from "./rank_choice.ts";
import type { RankRegistry } from "./rank_registry.ts";
import type { SchemaAgreement } from "./schema_agreement.ts";
import { Receipts } from "./receipts.ts";
import type { Session } from "./session.ts";

/** Reply to every client that joins. */
export type JoinReply = Omit<IdAssignmentPayload, "rank" | "worldSize" | "token" | "awaits">;

/** Client that has registered and is ready. */
export interface JoinedClient {
  /** Rank of the client. */
  readonly rank: Rank;
  /** Set if it has shown the session token of an earlier connection. */
  readonly isBack: boolean;
  /**
   * Proven identity of the client: the fingerprint of its key, `"token"`, or `"open"` where no
   * proof is required.
   */
  readonly identity: string;
  /** Name of its key on the server's list. */
  readonly name?: string;
  /** Name of its site, as it says. */
  readonly site?: string;
  /** Address of the client, such as `"tcp 10.0.0.7:5123"`. */
  readonly address: string;
  /** Software of the client, as it says. */
  readonly agent: string;
  /** Number of its training samples, as it says. */
  readonly numSamples: number;
  /** Set if it keeps its data private, and counts as one sample. */
  readonly isPrivate: boolean;
  /** Settings of training that it uses in place of the server's. */
  readonly own: OwnSettings;
  /** Digest of the values that do not travel, as it has them. */
  readonly stays: string | undefined;
  /** Encoded parameters that it still has, as it says. */
  readonly held: ClaimedBase;
  /** Codecs that it uses, of those of the server. */
  readonly codecs: AgreedCodecs;
  /** Round whose update it will send unasked. */
  readonly round: number | undefined;
  /** Round for which an update was expected of it when its rank was assigned. */
  readonly awaited: number | undefined;
}

/** Requirements for joining, and the reply to it. */
export interface JoinOptions {
  readonly gatekeeper: Gatekeeper;
  readonly serverName: string;
  readonly reply: JoinReply;
  /** Agreement of the clients on the schema of their data. */
  readonly schemas: SchemaAgreement;
}

/**
 * Registers a client: checks its identity, claims its rank, sends it the model, and waits until it
 * is ready.
 *
 * @throws {ProtocolError} If the client may not join, or breaks the protocol.
 * @throws {ConnectionClosedError} If its connection ends.
 */
export async function register(
  session: Session,
  registry: RankRegistry<Session>,
  { gatekeeper, serverName, reply, schemas }: JoinOptions,
  pending: { pendingRound(rank: Rank): number | undefined },
): Promise<{ client: JoinedClient; token: string }> {
  const { connection } = session;
  const { agent, site = "", codecs: offered, secure, ...claim } = await receiveRegistration(
    connection,
  );
  if (reply.plan.secure !== undefined && secure === undefined) {
    throw new ProtocolError(
      "secure-mismatch",
      "Cannot join: expected a client that knows secure aggregation, without which this server takes no updates",
    );
  }
  let identity = "open";
  // The proof comes before the claim, which may replace another connection.
  if (gatekeeper.kind !== "open") {
    const challenge = makeChallenge(gatekeeper, { server: serverName, run: reply.run });
    await connection.send({ code: MessageCode.Challenge, payload: challenge });
    const proof = await expectMessage(connection, MessageCode.Proof);
    identity = await checkProof(gatekeeper, challenge, proof.payload);
    session.identity = identity;
    // From here on a change of the list ends the session. It may have changed during the proof.
    const reason = whyNotSeated(gatekeeper, identity);
    if (reason !== undefined) throw new ProtocolError("not-authorized", `Cannot join: ${reason}`);
  }
  const { key, ...described } = await describeIdentity(identity, gatekeeper);
  const names = { ...described, ...(site.trim() !== "" && { site }) };
  const wish = { ...claim, identity, ...(key && { key }) };
  await awaitPredecessor(session, registry, wish, reply.heartbeatSeconds);
  if (session.isOver) {
    throw new ConnectionClosedError("it did not finish its registration in time");
  }
  const { rank, token } = registry.claim(session, wish, ({ connection }) => {
    connection.abort(new ConnectionClosedError("the client has a new connection"));
  });
  session.rank = rank;
  session.registered();
  const awaited = pending.pendingRound(rank);
  const { uplink, downlink, ...rest } = reply;
  const codecs = session.codecs = agreedCodecs({
    ...(uplink !== undefined && { uplink }),
    ...(downlink !== undefined && { downlink }),
  }, offered);
  await connection.send({
    code: MessageCode.IdAssignment,
    payload: {
      ...rest,
      ...codecs,
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
  schemas.check(payload.schemaDigest);
  if (payload.receipts === true) session.receipts = new Receipts();
  const { numSamples, private: isPrivate = false, round, stays, base, holds, own = {} } = payload;
  const refused = refusedSetting(own, reply.allows, reply.plan);
  if (refused !== undefined) throw new ProtocolError("invalid-field", `Cannot join: ${refused}`);
  const isBack = token === claim.token;
  const address = connection.remote;
  const data = { numSamples, isPrivate, stays, held: { base, holds } };
  const told = { address, agent, ...data, own, codecs, round };
  const client = { rank, isBack, ...names, ...told, awaited };
  return { client, token };
}

/** Gives the names of an identity, and the rights of its key. */
async function describeIdentity(
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

/** Receives the first message of a client. */
export async function receiveRegistration(connection: Connection): Promise<RegistrationPayload> {
  return (await expectMessage(connection, MessageCode.Registration)).payload;
}

async function expectMessage<Code extends MessageCode>(
  connection: Connection,
  code: Code,
): Promise<MessageOf<Code>> {
  const message = await receiveRegistrationMessage(connection, code);
  const lastWord = message.code === MessageCode.Error
    ? message.payload.message
    : message.code === MessageCode.Exit
    ? message.payload.reason
    : undefined;
  if (lastWord !== undefined) {
    throw new ConnectionClosedError(`it said: ${lastWord}`);
  }
  if (message.code !== code) throw unexpectedRegistrationCode(code, message.code);
  return message as MessageOf<Code>;
}
