import type { Logger } from "../base/log/log.ts";
import type { PeerLog } from "../base/log/peer_log.ts";
import type { Rank } from "../base/rank.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import type { MessageCode } from "../wire/message_code.ts";
import type { AgreementMode, Payload } from "../wire/messages.ts";
import { ClientCodecs } from "./client_codecs.ts";
import { LocalTrainer } from "./local_trainer.ts";
import type { ClientTopologyOptions } from "./options.ts";
import { SecureMember } from "./secure/secure_member.ts";
import type { ServerAddress } from "./session/connect.ts";
import { SubModel } from "./sub_model.ts";

/** Topology that a run belongs to, with the methods that agreements override. */
export interface ClientRunHost {
  readonly server: ServerAddress;
  readonly handler: ClientBackendHandler;
  readonly options: Readonly<ClientTopologyOptions>;
  /** The only mode to accept; `undefined` for any. */
  readonly mode: AgreementMode | undefined;
  /** Returns `true` when the client asks the server for work. */
  asksForWork(): boolean;
  onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void>;
  synchronize(): Promise<void>;
}

/** Logs of a run. */
export interface ClientLogs {
  readonly logger: Logger;
  /** Log of the lines whose number the server decides. */
  readonly peers: PeerLog;
}

/** Parts of a client that outlast its connections. */
export interface ClientParts {
  /** Part of the model that travels. */
  readonly subModel: SubModel;
  readonly codecs: ClientCodecs;
  readonly secure: SecureMember;
  readonly trainer: LocalTrainer;
}

/** Makes the parts of a client. */
export function clientParts(
  { handler, options }: Pick<ClientRunHost, "handler" | "options">,
  { logger, peers }: ClientLogs,
): ClientParts {
  const { onEvent, tracer, shareMetrics: share = "all", settings = {} } = options;
  const subModel = new SubModel(handler);
  return {
    subModel,
    codecs: new ClientCodecs(options.codecs, subModel),
    secure: new SecureMember(options, subModel),
    trainer: new LocalTrainer({
      ...{ handler, subModel, logger, peers, onEvent, tracer, share, settings },
    }),
  };
}
