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
import type { SentVectors } from "./sub_models.ts";

/** Exchange that begins with the parameters. */
type Exchange = TrainingExchange | EvaluationExchange;

/** Makes the message of an exchange to a rank. */
type MessageTo = (rank: Rank) => Message | SharedMessage;

/** Messages with the parameters of an exchange. */
export class ParametersMessages {
  readonly #run: RunContext;
  #roundPlan: { readonly round: number; readonly field: { plan?: TrainSettings } } | undefined;

  constructor(run: RunContext) {
    this.#run = run;
  }

  /**
   * Makes the function that makes the message to a rank. Messages that do not differ between ranks
   * are shared.
   */
  of(exchange: Exchange): MessageTo {
    const { topology, subModels } = this.#run;
    const { control, plan: { rule } } = topology.handler;
    const isEvaluation = exchange instanceof EvaluationExchange;
    const vectorsFor = subModels.sender({
      parameters: topology.parametersToSend,
      ...(control && !isEvaluation && { control }),
    });
    if (keepsState(rule)) {
      return (rank) => this.#message(exchange, vectorsFor(rank), lastAcceptedField(topology, rank));
    }
    const shared = new Map<SentVectors, SharedMessage>();
    return (rank) => {
      const vectors = vectorsFor(rank);
      const message = shared.get(vectors) ?? new SharedMessage(this.#message(exchange, vectors));
      shared.set(vectors, message);
      return message;
    };
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

  #message(
    exchange: Exchange,
    vectors: SentVectors,
    lastAccepted: { readonly taken?: number } = {},
  ): Message {
    const isEvaluation = exchange instanceof EvaluationExchange;
    const code = isEvaluation ? MessageCode.EvaluateParams : MessageCode.ParameterUpdate;
    const { round } = exchange.collector;
    const payload = {
      round,
      ...vectors,
      ...(!isEvaluation && this.planField(round)),
      ...lastAccepted,
    };
    return { code, payload };
  }
}
