import { ConnectionClosedError } from "../../base/errors.ts";
import { delay } from "../../base/time/delay.ts";
import type { Channel } from "../../net/transport.ts";
// It awaits the encoder of nested values: a world has no time to load it.
import "../../wire/mod.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import type { History } from "../history.ts";
import type { ProcessContext } from "../world.ts";
import { type FederationPlan, ROGUE_KINDS, type RogueKind } from "./plan.ts";
import { frameOf, RawConnection } from "./raw_connection.ts";
import { commonOptions } from "./server_parts.ts";
import { SERVER_ADDRESS } from "./server_program.ts";
import { SyncParameterServerHandler } from "../../round/handler/sync_handler.ts";

/** Number of messages of a flood, and the time between two of them in milliseconds. */
const FLOOD = 300, FLOOD_MILLIS = 20;
/** Time between two bytes of an answer that dribbles, in milliseconds. */
const DRIBBLE_MILLIS = 2000;

/** Parts of the program of a malicious server. */
export interface RogueProgram {
  readonly plan: FederationPlan;
  readonly kind: RogueKind;
  readonly history: History;
}

/** Serves clients such that they wait in vain, or are kept busy for nothing. Never ends. */
export async function serveBadly(
  { plan, kind, history }: RogueProgram,
  { transport, log }: ProcessContext,
): Promise<void> {
  history.add({ type: "started", machine: "server" });
  const listener = await transport.listen(SERVER_ADDRESS);
  const assignment = await assignmentOf(plan);
  log(`is malicious: ${kind}`);
  for (let rank = 1;; rank++) {
    const channel = await listener.accept();
    if (channel === null) return;
    const now = kind === "all of these" ? kindFor(channel.remote) : kind;
    void mistreat(channel, now, assignment(1 + rank % plan.clients)).catch((error) => {
      if (!(error instanceof ConnectionClosedError)) throw error;
    });
  }
}

/** Kind by the number of the client, so that each gets the same at every try. */
function kindFor(remote: string): RogueKind {
  const client = Number(/client-(\d+)/.exec(remote)?.[1] ?? 0);
  return ROGUE_KINDS[client % (ROGUE_KINDS.length - 1)] ?? "challenges";
}

async function mistreat(channel: Channel, kind: RogueKind, assignment: Message): Promise<void> {
  const connection = new RawConnection(channel);
  try {
    await connection.next();
    if (kind === "closes") return;
    connection.beat(1);
    if (kind === "says nothing") return await connection.untilOver();
    if (kind === "challenges") {
      await connection.send(CHALLENGE);
      return await connection.untilOver();
    }
    if (kind === "dribbles") {
      connection.isSilent = true;
      for (const byte of frameOf(assignment)) {
        await connection.write(new Uint8Array([byte]));
        await delay(DRIBBLE_MILLIS);
        if (connection.isOver) return;
      }
    }
    await connection.send(assignment);
    if (kind === "floods") await flood(connection, assignment);
    await connection.untilOver();
  } finally {
    connection.close();
  }
}

async function flood(connection: RawConnection, assignment: Message): Promise<void> {
  if (assignment.code !== MessageCode.IdAssignment) return;
  const length = assignment.payload.manifest.reduce((sum, { shape: [n = 0] }) => sum + n, 0);
  for (let round = 1; round <= FLOOD && !connection.isOver; round++) {
    const parameters = new Float32Array(length).fill(round);
    await connection.send({ code: MessageCode.ParameterUpdate, payload: { round, parameters } });
    await connection.send({
      code: MessageCode.Error,
      payload: { fault: "wrong-round", message: "no such round", fatal: false },
    });
    await delay(FLOOD_MILLIS);
  }
}

const CHALLENGE: Message = {
  code: MessageCode.Challenge,
  payload: { nonce: "5a".repeat(32), methods: ["token", "ed25519"], server: "fedlab", run: "run" },
};

/** Makes the answer to a registration, for a rank. */
async function assignmentOf(plan: FederationPlan): Promise<(rank: number) => Message> {
  const { manifest, plan: settings } = new SyncParameterServerHandler(commonOptions(plan));
  const manifestDigest = await manifest.digest();
  return (rank) => ({
    code: MessageCode.IdAssignment,
    payload: {
      ...{ rank, worldSize: plan.clients + 1, rounds: plan.rounds, run: "run", seed: plan.seed },
      token: "ab".repeat(16),
      heartbeatSeconds: plan.heartbeatSeconds,
      strategy: "fedavg",
      plan: settings,
      manifest: manifest.tensors.map(({ name, shape, dtype, trainable }) => ({
        ...{ name, shape, dtype, trainable },
      })),
      manifestDigest,
    },
  });
}
