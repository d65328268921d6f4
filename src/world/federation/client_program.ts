import type { AllowedKeys } from "../../auth/allowed_keys.ts";
import type { Credential } from "../../auth/challenge.ts";
import { ClientAsyncTop } from "../../client/async_topology.ts";
import { ClientSyncTop } from "../../client/sync_topology.ts";
import { makeLastingFolder } from "../../base/files/folder.ts";
import { createClientPrivacy } from "../../privacy/client/create.ts";
import { parseClientPrivacy } from "../../privacy/client/parse.ts";
import { LedgerFile } from "../../privacy/ledger/ledger_file.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { History } from "../history.ts";
import type { ProcessContext } from "../world.ts";
import type { FederationPlan } from "./plan.ts";
import { SERVER_ADDRESS, timeoutsOf, worldLogger } from "./server_program.ts";
import { StepHandler } from "./step_handler.ts";
import { tappedTransport } from "./tapped_transport.ts";

/** Folder of a client's own files on its disk. */
const DATA_FOLDER = "/data";
/** File of the ledger of a client that keeps its data private. */
export const LEDGER_FILE = `${DATA_FOLDER}/ledger.json`;
/** Messages that tell what leaves a client. */
const REVEALS: ReadonlySet<MessageCode> = new Set([MessageCode.UnmaskShares]);
const UPDATES: ReadonlySet<MessageCode> = new Set([MessageCode.ParameterUpdate]);

/** Parts of a client's program that outlive its process. */
export interface ClientProgram {
  readonly plan: FederationPlan;
  /** Number of the client, from 1. */
  readonly client: number;
  readonly credential: Credential | undefined;
  /** Keys of all clients, where they sign. */
  readonly keys: Pick<AllowedKeys, "has" | "get"> | undefined;
  readonly history: History;
}

/** Runs a client of a federation until the server says that the run is over. */
export async function takePart(
  { plan, client, credential, keys, history }: ClientProgram,
  { process, transport, random, log }: ProcessContext,
  signal: AbortSignal,
): Promise<void> {
  const machine = process.machine.name;
  history.add({ type: "started", machine });
  using ledger = plan.clientPrivacy === undefined ? undefined : await ledgerFile();
  const privacy = plan.clientPrivacy === undefined
    ? undefined
    : createClientPrivacy(parseClientPrivacy(plan.clientPrivacy), ledger);
  const handler = new StepHandler({
    client,
    length: plan.length,
    trainSeconds: plan.trainSeconds,
    random,
    privacy,
    onTraining: (training) => history.add({ type: "trained", machine, ...training }),
  });
  const Topology = plan.isAsync ? ClientAsyncTop : ClientSyncTop;
  const topology = new Topology(handler, {
    serverAddr: SERVER_ADDRESS,
    distBackend: tappedTransport(transport, plan.clientPrivacy ? UPDATES : REVEALS, (message) => {
      if (message.code === MessageCode.ParameterUpdate) {
        const vector = message.payload.parameters.slice();
        history.add({ type: "sent", machine, vector });
      }
      if (message.code !== MessageCode.UnmaskShares) return;
      const { round, attempt } = message.payload;
      history.add({ type: "revealed", machine, pid: process.pid, round, attempt });
    }),
    ...(plan.asksForRank && { rank: client }),
    ...(credential && { credential }),
    ...(plan.isMasked && { secureMinMembers: 3 }),
    ...(plan.isSigned && keys && { secureKeys: keys }),
    logger: worldLogger(log),
    timeouts: timeoutsOf(plan),
    onEvent: (event) => {
      if (event.type === "joined") history.add({ type: "joined", machine, rank: event.rank });
    },
  });
  await topology.run({ signal });
}

async function ledgerFile(): Promise<LedgerFile> {
  await makeLastingFolder(DATA_FOLDER);
  return new LedgerFile(LEDGER_FILE);
}
