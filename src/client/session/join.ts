import { answerChallenge } from "../../auth/challenge.ts";
import {
  ConnectionClosedError,
  DeadlineError,
  ProtocolError,
  RunStoppedError,
} from "../../base/errors.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { VERSION } from "../../base/version.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { Connection } from "../../net/connection.ts";
import {
  receiveRegistrationMessage,
  unexpectedRegistrationCode,
} from "../../net/registration_message.ts";
import { agreedDigest } from "../../train/agreed_schema.ts";
import type { ClientBackendHandler } from "../../train/handler.ts";
import { refusedSetting } from "../../plan/own_settings.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type {
  AgreementMode,
  ExitPayload,
  IdAssignmentPayload,
  Message,
  ReadyPayload,
} from "../../wire/messages.ts";
import type { ClientTopologyOptions } from "../options.ts";
import { SECURE_VERSION } from "../../wire/messages/registration.ts";
import { checkSecure, checkUnasked } from "../secure/check_secure.ts";
import { agreedSchema, build } from "./build.ts";
import type { SubModel } from "../sub_model.ts";
import { offeredCodecs } from "../client_codecs.ts";
import { checkPrivacy } from "../required_privacy.ts";
import { checkOwnPrivacy, describedData } from "../own_privacy.ts";
import { checkShared } from "../shared_figures.ts";
import { millisTo } from "./connect.ts";
import { sendsReceipts } from "./sends_receipts.ts";

/** The server said `Exit` in answer to the registration. */
export class RunOverError extends Error {}

/** Credentials of an earlier connection, with which a client resumes its part in a run. */
export interface ResumeToken {
  /** The session token. */
  readonly token: string;
  /** The run that the token belongs to. */
  readonly run: string;
}

/** State of a client that reconnects. */
export interface ResumeInfo extends ResumeToken {
  /** The round that it trains for, or trained for last. */
  readonly round: number | undefined;
}

/**
 * Joins the group over a connection: registers, receives the assignment, builds the model and says
 * that the client is ready.
 *
 * @param beforeBuilding Called before the handler is set up for a run that is new to the client.
 * @throws {DeadlineError} If the server does not let the client in before the deadline.
 * @throws {ProtocolError} If the server refuses, works in another mode, or has another model or
 * schema.
 * @throws {RunOverError} If the run is over.
 */
export async function join(
  connection: Connection,
  handler: ClientBackendHandler,
  options: Readonly<ClientTopologyOptions>,
  { resume, mode, deadline, joinSeconds, agree, subModel }: {
    resume: ResumeInfo | undefined;
    /** The only mode to accept; `undefined` for any. */
    mode: AgreementMode | undefined;
    /** The time by which the server must have let the client in. */
    deadline: number;
    /** Prepares the codecs that the server has chosen. */
    agree: (assignment: IdAssignmentPayload) => Promise<Pick<ReadyPayload, "base" | "holds">>;
    /** The join time-out that the deadline comes from. */
    joinSeconds: number;
    /** Part of the model that travels. */
    subModel: SubModel;
  },
  beforeBuilding: () => Promise<void>,
): Promise<IdAssignmentPayload> {
  let isAnswered = false;
  const registering = register(connection, options, resume, () => isAnswered = true);
  // Neither heartbeats nor messages that arrive byte by byte extend the time.
  const payload = await withDeadline(registering, {
    seconds: millisTo(deadline) / 1000,
    late: () =>
      new DeadlineError(
        `Cannot join ${connection.remote}: ${
          isAnswered
            ? "its server has begun to answer, but has not let this client in"
            : "something listens there, but does not answer as a FedLab server"
        } within ${joinSeconds} seconds`,
      ),
  });
  connection.keepAlive(payload.heartbeatSeconds);
  const { mode: theirs = "sync" } = payload;
  if (mode !== undefined && mode !== theirs) {
    throw new ProtocolError(
      "mode-mismatch",
      `Cannot join: expected a server of the mode ${mode}, got ${theirs}`,
    );
  }
  const { settings = {} } = options, isKnown = payload.run === resume?.run;
  if (theirs === "statistics") checkUnasked(options);
  else checkChoices(payload, options, handler);
  if (!isKnown) await beforeBuilding();
  const described = theirs === "statistics"
    // The number of rows is a figure like others: it travels in an answer.
    ? { numSamples: 1 }
    : await setUp(handler, payload, { own: options.schema, isKnown, subModel });
  const held = theirs !== "statistics" ? await agree(payload) : {};
  const ready = connection.send({
    code: MessageCode.Ready,
    payload: {
      manifestDigest: payload.manifestDigest,
      ...described,
      ...held,
      ...(theirs !== "statistics" && Object.keys(settings).length > 0 && { own: settings }),
      ...(isKnown && payload.awaits !== undefined && payload.awaits === resume?.round &&
        { round: payload.awaits }),
    },
  });
  await withDeadline(ready, {
    seconds: joinSeconds,
    late: () =>
      new DeadlineError(
        `Cannot join ${connection.remote}: its server does not read what it is told`,
      ),
  });
  return payload;
}

/** Sets the handler up for a run, unless it is, and returns the fields that describe its data. */
async function setUp(
  handler: ClientBackendHandler,
  payload: IdAssignmentPayload,
  { own, isKnown, subModel }: {
    own: Schema | undefined;
    isKnown: boolean;
    subModel: SubModel;
  },
): Promise<Pick<ReadyPayload, "numSamples" | "private" | "schemaDigest" | "stays" | "receipts">> {
  const schema = await agreedSchema(payload, own);
  if (!isKnown) await build(handler, payload, schema);
  const schemaDigest = await agreedDigest(handler, schema);
  return {
    ...describedData(handler, payload.plan.secure !== undefined),
    ...(schemaDigest !== undefined && { schemaDigest }),
    ...(sendsReceipts(handler.manifest) && { receipts: true }),
    ...await subModel.begin(payload, isKnown),
  };
}

/**
 * Checks that the server allows the client's own settings, and that its algorithm works with the
 * client's privacy and without the figures that it does not share.
 *
 * @throws {ProtocolError} If not.
 */
function checkChoices(
  assignment: IdAssignmentPayload,
  options: Readonly<ClientTopologyOptions>,
  handler: ClientBackendHandler,
): void {
  const { plan, allows } = assignment;
  checkSecure(plan, options);
  checkPrivacy(assignment, options);
  const { settings = {}, shareMetrics = "all" } = options;
  const refused = refusedSetting(settings, allows, plan);
  if (refused !== undefined) throw new ProtocolError("invalid-field", `Cannot join: ${refused}`);
  checkOwnPrivacy(plan, handler);
  checkShared(plan.rule, shareMetrics);
}

/** Registers, with a proof of identity when the server asks for one; returns the assignment. */
async function register(
  connection: Connection,
  { rank, worldSize, site, credential, serverName, codecs }: Readonly<ClientTopologyOptions>,
  resume: ResumeInfo | undefined,
  answered: () => void,
): Promise<IdAssignmentPayload> {
  await connection.send({
    code: MessageCode.Registration,
    payload: {
      ...(rank !== undefined && { rank }),
      ...(worldSize !== undefined && { worldSize }),
      ...(resume && { token: resume.token }),
      ...(site !== undefined && { site }),
      codecs: offeredCodecs(codecs),
      secure: SECURE_VERSION,
      agent: `fedlab-deno/${VERSION}`,
    },
  });
  let message = await nextMessage(connection);
  answered();
  if (message.code === MessageCode.Challenge) {
    const proof = await answerChallenge(
      credential,
      message.payload,
      serverName === undefined ? {} : { serverName },
    );
    await connection.send({ code: MessageCode.Proof, payload: proof });
    message = await nextMessage(connection);
  }
  if (message.code !== MessageCode.IdAssignment) {
    throw unexpectedRegistrationCode(MessageCode.IdAssignment, message.code);
  }
  return message.payload;
}

/** Receives the server's next message of the registration; throws when the server refuses. */
async function nextMessage(connection: Connection): Promise<Message> {
  const message = await receiveRegistrationMessage(connection, MessageCode.IdAssignment);
  if (message.code === MessageCode.Error) {
    throw remoteError(message.payload.fault, message.payload.message);
  }
  if (message.code === MessageCode.Exit) {
    if (message.payload.next) {
      throw new ConnectionClosedError(`Cannot join yet: ${message.payload.reason}`);
    }
    if (message.payload.over === false) throw runStopped(message.payload);
    throw new RunOverError(`Cannot join: the server ended the run: ${message.payload.reason}`);
  }
  return message;
}

/**
 * Makes the error for an `Exit` that says that the run stopped before its end.
 *
 * @param mode Mode of the run, if it is known: one that asks for statistics cannot be resumed.
 */
export function runStopped({ reason }: ExitPayload, mode?: AgreementMode): RunStoppedError {
  // Servers start their reason with this prefix.
  const why = reason.replace(/^the run stopped: /, "");
  return new RunStoppedError(
    mode === "statistics"
      ? `The run stopped before any training: ${why}`
      : `The run stopped and may be resumed: ${why}`,
  );
}

/** Makes an error from an `Error` message. */
export function remoteError(fault: string, message: string): ProtocolError {
  return new ProtocolError(fault as ProtocolError["fault"], `The server refused: ${message}`);
}
