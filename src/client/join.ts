import { delay } from "../base/time/delay.ts";
import { answerChallenge } from "../auth/challenge.ts";
import {
  ConnectionClosedError,
  DeadlineError,
  errorMessage,
  ProtocolError,
  RunStoppedError,
} from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import { transportOf } from "../net/backend.ts";
import { Connection } from "../net/connection.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import { Manifest } from "../params/manifest.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { parseModelDescription } from "../train/models/model_description.ts";
import { VERSION } from "../base/version.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { AgreementMode, ExitPayload, IdAssignmentPayload, Message } from "../wire/messages.ts";
import type { ClientCommunicationTopology, ClientTopologyOptions } from "./topology.ts";

const FIRST_RETRY_MILLIS = 100;
const LONGEST_RETRY_MILLIS = 2_000;

/** Opens a connection, trying again while no server answers, until the deadline of the join time-out. */
export async function connect(
  topology: ClientCommunicationTopology,
  logger: Logger,
  signal: AbortSignal | undefined,
  deadline: number,
): Promise<Connection> {
  const { serverAddr, timeouts } = topology;
  const transport = transportOf(topology.distBackend);
  const late = () =>
    new DeadlineError(
      `Cannot connect to ${serverAddr}: no FedLab server answers there within ${timeouts.joinSeconds} seconds`,
    );
  for (let n = 0;; n++) {
    try {
      const channel = await timed(
        (signal) => transport.connect(serverAddr, { signal }),
        { signal, deadline, late },
      );
      return new Connection(channel, { heartbeatSeconds: timeouts.heartbeatSeconds });
    } catch (cause) {
      if (!(cause instanceof ConnectionClosedError)) throw cause;
      const millis = pauseMillis(n);
      if (performance.now() + millis > deadline) {
        throw new DeadlineError(
          `${
            errorMessage(cause)
          }; start the server first or give more time than ${timeouts.joinSeconds} seconds`,
          { cause },
        );
      }
      if (n === 0) {
        logger.info(
          `Waiting for the server at ${serverAddr} for up to ${timeouts.joinSeconds} seconds`,
        );
      }
      await delay(millis, signal);
    }
  }
}

/** Does what takes a signal, which is aborted at the deadline too. */
async function timed<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal, deadline, late }: {
    signal: AbortSignal | undefined;
    deadline: number;
    late: () => Error;
  },
): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(late()), millisTo(deadline));
  try {
    return await work(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  } finally {
    clearTimeout(timer);
  }
}

function millisTo(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

/** The server said `Exit` instead of letting the client in. */
export class RunOverError extends Error {}

/** What a client brings from an earlier connection. */
export interface Comeback {
  /** Its session token. */
  readonly token: string;
  /** The run that the token belongs to. */
  readonly run: string;
  /** The round it is training in, or has last trained for. */
  readonly round: number | undefined;
}

/** Registers, takes the assignment, builds the model and says that all is ready. */
export async function join(
  connection: Connection,
  handler: ClientBackendHandler,
  options: Readonly<ClientTopologyOptions>,
  { comeback, mode, deadline, joinSeconds }: {
    comeback: Comeback | undefined;
    mode: AgreementMode | undefined;
    /** The time by which the server has to have let the client in. */
    deadline: number;
    /** What the deadline was given as. */
    joinSeconds: number;
  },
  beforeBuilding: () => Promise<void> | undefined,
): Promise<IdAssignmentPayload> {
  let isAnswered = false;
  const registering = register(connection, options, comeback, () => isAnswered = true);
  // Signs of life, and messages that come in byte by byte, give it no more time.
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
  const isKnown = payload.run === comeback?.run;
  if (!isKnown) {
    await beforeBuilding();
    await build(handler, payload);
  }
  const ready = connection.send({
    code: MessageCode.Ready,
    payload: {
      manifestDigest: payload.manifestDigest,
      numSamples: handler.numSamples,
      ...(isKnown && payload.awaits !== undefined && payload.awaits === comeback?.round &&
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

/** Says who this client is, and proves it where the server asks; gives the server's assignment. */
async function register(
  connection: Connection,
  { rank, worldSize, credential, serverName }: Readonly<ClientTopologyOptions>,
  comeback: Comeback | undefined,
  answered: () => void,
): Promise<IdAssignmentPayload> {
  await connection.send({
    code: MessageCode.Registration,
    payload: {
      ...(rank !== undefined && { rank }),
      ...(worldSize !== undefined && { worldSize }),
      ...(comeback && { token: comeback.token }),
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
  if (message.code !== MessageCode.IdAssignment) throw unexpected(message.code);
  return message.payload;
}

/** The server's next message of the registration, which is no refusal. */
async function nextMessage(connection: Connection): Promise<Message> {
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
    throw remoteError(message.payload.fault, message.payload.message);
  }
  if (message.code === MessageCode.Exit) {
    if (message.payload.over === false) throw runStopped(message.payload);
    throw new RunOverError(`Cannot join: the server ended the run: ${message.payload.reason}`);
  }
  return message;
}

function unexpected(code: MessageCode): ProtocolError {
  return new ProtocolError(
    "unexpected-code",
    `Cannot join: expected IdAssignment, got ${messageName(code)}`,
  );
}

/** The server's `Exit` says that the run stopped before its end. */
export function runStopped({ reason }: ExitPayload): RunStoppedError {
  // Servers begin their reason with these words.
  const why = reason.replace(/^the run stopped: /, "");
  return new RunStoppedError(`The run stopped and may be resumed: ${why}`);
}

/** Builds the model of the run, and makes sure that it is the server's. */
async function build(handler: ClientBackendHandler, payload: IdAssignmentPayload): Promise<void> {
  const manifest = Manifest.of(payload.manifest);
  await handler.setUp(
    payload.model === undefined ? undefined : parseModelDescription(payload.model),
  );
  const manifestDigest = await handler.manifest.digest();
  if (manifestDigest !== payload.manifestDigest) {
    throw new ProtocolError(
      "manifest-mismatch",
      `Cannot train the server's model: ${difference(manifest, handler.manifest)}`,
    );
  }
}

/** The error that a peer told of. */
export function remoteError(fault: string, message: string): ProtocolError {
  return new ProtocolError(fault as ProtocolError["fault"], `The server refused: ${message}`);
}

function difference(expected: Manifest, got: Manifest): string {
  const describe = (manifest: Manifest, index: number) => {
    const tensor = manifest.tensors[index];
    return tensor === undefined
      ? "none"
      : `${tensor.name} [${tensor.shape}]${tensor.trainable ? "" : " not trainable"}`;
  };
  const count = Math.max(expected.tensors.length, got.tensors.length);
  for (let i = 0; i < count; i++) {
    if (describe(expected, i) !== describe(got, i)) {
      return `expected tensor ${i} to be ${describe(expected, i)}, got ${describe(got, i)}`;
    }
  }
  return "expected the digest of the server's own manifest, got another";
}

/** The pause before the n-th try, from 0, in milliseconds: twice as long each time, up to a limit, and a random part of it. */
export function pauseMillis(n: number): number {
  return jitter() * Math.min(FIRST_RETRY_MILLIS * 2 ** n, LONGEST_RETRY_MILLIS);
}

/** From 0.5 to 1: clients that lost one server do not all come back at one instant. */
function jitter(): number {
  return 0.5 + (crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) / 510;
}
