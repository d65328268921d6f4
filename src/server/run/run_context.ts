import type { Logger } from "../../base/log/log.ts";
import type { Tracer } from "../../base/tracer.ts";
import type { ToldTraining } from "../../secure/told.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { HeldModels } from "../../round/handler/held_models.ts";
import type { RunRecord } from "../../round/record/run_record.ts";
import type { PeerLogs } from "../sessions/session_listener.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { OpenSums } from "./open_sums.ts";
import type { RoundCostCounter } from "./round_costs.ts";
import type { ServerTopology } from "./server_topology.ts";
import type { SubModels } from "./sub_models.ts";

/** Run in progress, as its parts see it. */
export interface RunContext {
  readonly topology: ServerTopology;
  readonly record: RunRecord;
  readonly sessions: Sessions;
  readonly logger: Logger;
  readonly peers: PeerLogs;
  readonly costs: RoundCostCounter;
  /** Settings of training that the clients were assigned on joining. */
  readonly assigned: TrainSettings;
  /** Training as they were told of it besides. */
  readonly told: ToldTraining;
  /** Part of the model that travels. */
  readonly subModels: SubModels;
  /** Encoded parameters that clients have; `undefined` where no differences are sent. */
  readonly held: HeldModels | undefined;
  /** Observer of the steps of the run, as far as they may be told. */
  readonly tracer: Tracer | undefined;
  /** Signal that stops the run. */
  readonly signal: AbortSignal | undefined;
  /** Number that changes whenever the run makes progress. */
  readonly progress: number;
  /** Records an event and passes it to the application. */
  emit(event: ServerEvent): void;
  /** Masked sum of the open round. */
  readonly openSums: OpenSums;
  /** Saves a checkpoint with the release of a private round. */
  saveRelease(): Promise<void>;
}
