import { ConnectionClosedError, DeadlineError, errorMessage, ProtocolError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { transportOf } from "../net/backend.ts";
import { Connection } from "../net/connection.ts";
import { within } from "../net/timeouts.ts";
import { Manifest } from "../params/manifest.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { parseModelDescription } from "../train/model_description.ts";
import { VERSION } from "../version.ts";
import { MessageCode, messageName } from "../wire/message_code.ts";
import type { IdAssignmentPayload } from "../wire/messages.ts";
import type { ClientCommunicationTopology, ClientTopologyOptions } from "./topology.ts";

const FIRST_RETRY_MILLIS = 100;
const LONGEST_RETRY_MILLIS = 2_000;

/** Opens a connection, trying again while no server answers, until the join time-out. */
export async function connect(
  topology: ClientCommunicationTopology,
  logger: Logger,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  const { serverAddr, timeouts } = topology;
  const transport = transportOf(topology.distBackend);
  const deadline = performance.now() + timeouts.joinSeconds * 1000;
  for (let pause = FIRST_RETRY_MILLIS;; pause = Math.min(2 * pause, LONGEST_RETRY_MILLIS)) {
    try {
      const channel = await transport.connect(serverAddr, signal ? { signal } : {});
      return new Connection(channel, { heartbeatSeconds: timeouts.heartbeatSeconds });
    } catch (cause) {
      if (!(cause instanceof ConnectionClosedError)) throw cause;
      if (performance.now() + pause > deadline) {
        throw new DeadlineError(
          `${
            errorMessage(cause)
          }; start the server first or give more time than ${timeouts.joinSeconds} seconds`,
          { cause },
        );
      }
      if (pause === FIRST_RETRY_MILLIS) {
        logger.info(
          `Waiting for the server at ${serverAddr} for up to ${timeouts.joinSeconds} seconds`,
        );
      }
      await sleep(pause, signal);
    }
  }
}

/** Registers, takes the assignment, builds the model and says that all is ready. */
export async function join(
  connection: Connection,
  handler: ClientBackendHandler,
  options: Readonly<ClientTopologyOptions>,
): Promise<IdAssignmentPayload> {
  await connection.send({
    code: MessageCode.Registration,
    payload: {
      ...(options.rank !== undefined && { rank: options.rank }),
      ...(options.worldSize !== undefined && { worldSize: options.worldSize }),
      agent: `fedlab-deno/${VERSION}`,
    },
  });
  const received = await connection.receive({
    place: (header) => {
      throw new ProtocolError(
        "unexpected-code",
        `Cannot join: expected IdAssignment, got ${messageName(header.code)}`,
      );
    },
  });
  if (received?.message === undefined) {
    throw new ConnectionClosedError(
      `Lost the connection to ${connection.remote}: it was closed during registration`,
    );
  }
  const { code, payload } = received.message;
  if (code === MessageCode.Error) throw remoteError(payload.fault, payload.message);
  if (code === MessageCode.Exit) {
    throw new ConnectionClosedError(`Cannot join: the server ended the run: ${payload.reason}`);
  }
  if (code !== MessageCode.IdAssignment) {
    throw new ProtocolError(
      "unexpected-code",
      `Cannot join: expected IdAssignment, got ${messageName(code)}`,
    );
  }
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
  await connection.send({
    code: MessageCode.Ready,
    payload: { manifestDigest, numSamples: handler.numSamples },
  });
  return payload;
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

async function sleep(millis: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, millis);
  try {
    await within(promise, { signal });
  } finally {
    clearTimeout(timer);
  }
}
