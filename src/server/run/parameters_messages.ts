import type { Rank } from "../../base/rank.ts";
import { SharedMessage } from "../../net/outgoing_frame.ts";
import { keepsState } from "../../plan/rules/rules.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { EvaluationExchange } from "../../round/cohort/evaluation_exchange.ts";
import type { TrainingExchange } from "../../round/cohort/training_exchange.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import type { RunContext } from "./run_context.ts";
import { lastAcceptedField } from "./server_topology.ts";

/** Exchange that begins with the parameters. */
type Exchange = TrainingExchange | EvaluationExchange;

/** Messages with the parameters of an exchange. */
export class ParametersMessages {
  readonly #run: RunContext;
  #roundPlan: { readonly round: number; readonly field: { plan?: TrainSettings } } | undefined;

  constructor(run: RunContext) {
    this.#run = run;
  }

  /** Makes the message to a rank. */
  to(rank: Rank, exchange: Exchange): Message {
    return this.#message(exchange, lastAcceptedField(this.#run.topology, rank));
  }

  /** Makes the message to all ranks; `undefined` where it differs between them. */
  toAll(exchange: Exchange): SharedMessage | undefined {
    if (keepsState(this.#run.topology.handler.plan.rule)) return undefined;
    return new SharedMessage(this.#message(exchange, {}));
  }

  /**
   * Returns the field with the settings of a round, where they differ from those that the clients
   * were assigned. They are determined once a round.
   */
  planField(round: number): { readonly plan?: TrainSettings } {
    if (this.#roundPlan?.round !== round) {
      const { assigned, topology: { handler } } = this.#run;
      const plan = handler.planFor(round);
      const isSame = JSON.stringify(plan) === JSON.stringify(assigned);
      this.#roundPlan = { round, field: isSame ? {} : { plan } };
    }
    return this.#roundPlan.field;
  }

  #message(exchange: Exchange, lastAccepted: { readonly taken?: number }): Message {
    const { topology } = this.#run;
    const { control } = topology.handler;
    const isEvaluation = exchange instanceof EvaluationExchange;
    const code = isEvaluation ? MessageCode.EvaluateParams : MessageCode.ParameterUpdate;
    const { round } = exchange.collector;
    const payload = {
      round,
      parameters: topology.parametersToSend,
      ...(!isEvaluation && this.planField(round)),
      ...(control && !isEvaluation && { control }),
      ...lastAccepted,
    };
    return { code, payload };
  }
}
