import type { Rank } from "../../base/rank.ts";
import { splitDelta } from "../../codec/names.ts";
import { SharedMessage } from "../../net/outgoing_frame.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { keepsState } from "../../plan/rules/rules.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { EvaluationExchange } from "../../round/cohort/evaluation_exchange.ts";
import type { TrainingExchange } from "../../round/cohort/training_exchange.ts";
import type { CodedParameters, SentModel } from "../../round/handler/server_codecs.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message } from "../../wire/messages.ts";
import type { RunContext } from "./run_context.ts";
import { lastAcceptedField } from "./server_topology.ts";
import type { SentVectors } from "./sub_models.ts";
import { traceField } from "./told_tracer.ts";

/** Exchange that begins with the parameters. */
type Exchange = TrainingExchange | EvaluationExchange;

/** Vectors of a message, encoded or not. */
type Sent = SentVectors | CodedParameters;

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
    const whole = topology.parametersToSend;
    const vectorsFor = subModels.sender({
      parameters: whole,
      ...(control && !isEvaluation && { control }),
    });
    const { round } = exchange.collector;
    // What is evaluated is what clients train from in the next round.
    const number = isEvaluation ? round + 1 >>> 0 : round;
    let model: SentModel | undefined, decodedFor: typeof vectorsFor | undefined;
    const sentTo = (rank: Rank): Sent => {
      if (!readsCodes(this.#run, rank)) return vectorsFor(rank);
      const { parameters, coded } = model ??= this.#encoded(exchange, whole);
      decodedFor ??= subModels.sender({
        parameters,
        ...(control && !isEvaluation && { control }),
      });
      const vectors = decodedFor(rank);
      if (!isEvaluation) exchange.codedRanks.add(rank);
      return codedFor(this.#run, rank, { parameters: vectors.parameters, coded }, number) ??
        vectors;
    };
    if (keepsState(rule)) {
      return (rank) => this.#message(exchange, sentTo(rank), lastAcceptedField(topology, rank));
    }
    const shared = new Map<Sent, SharedMessage>();
    return (rank) => {
      const sent = sentTo(rank);
      const message = shared.get(sent) ?? new SharedMessage(this.#message(exchange, sent));
      shared.set(sent, message);
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

  /** Encodes the parameters of an exchange. */
  #encoded(exchange: Exchange, parameters: ParameterVector): SentModel {
    if (!(exchange instanceof EvaluationExchange)) return exchange.sent;
    const { handler: { codecs } } = this.#run.topology;
    return codecs?.encodeEvaluated(parameters, exchange.collector.round) ?? { parameters };
  }

  #message(
    exchange: Exchange,
    sent: Sent,
    lastAccepted: { readonly taken?: number } = {},
  ): Message {
    const isEvaluation = exchange instanceof EvaluationExchange;
    const { round } = exchange.collector;
    const fields = {
      ...(!isEvaluation && this.planField(round)),
      ...lastAccepted,
      ...traceField(this.#run.tracer),
    };
    if (isEvaluation) {
      return { code: MessageCode.EvaluateParams, payload: { round, ...sent, ...fields } };
    }
    return "codes" in sent
      ? { code: MessageCode.CompressedUpdate, payload: { round, ...sent, ...fields } }
      : { code: MessageCode.ParameterUpdate, payload: { round, ...sent, ...fields } };
  }
}

/**
 * Returns the fields by which a client that knows the codec of the downlink gets parameters;
 * `undefined` if it is sent them as they are.
 *
 * @param vectors What it is sent of the parameters, and their encoded form.
 * @param number Number that the client will know the parameters by.
 */
export function codedFor(
  { sessions, held, subModels }: Pick<RunContext, "sessions" | "held" | "subModels">,
  rank: Rank,
  { parameters, coded }: {
    readonly parameters: ParameterVector;
    readonly coded?: CodedParameters | undefined;
  },
  number: number,
): CodedParameters | undefined {
  // A client that lacks the values that do not travel is sent all, as others decode them.
  if (coded === undefined || parameters.byteLength !== subModels.bytes) {
    held?.forget(rank);
    return undefined;
  }
  const { downlink = "" } = sessions.registry.group.get(rank)?.codecs ?? {};
  return held && splitDelta(downlink).isDelta ? held.messageFor(rank, coded, number) : coded;
}

/** Reports whether the client of a rank knows the codec of the downlink. */
export function readsCodes({ sessions }: Pick<RunContext, "sessions">, rank: Rank): boolean {
  return sessions.registry.group.get(rank)?.codecs.downlink !== undefined;
}
