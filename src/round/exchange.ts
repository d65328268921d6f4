import { errorMessage, ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import type { EvaluateResult } from "../plan/results.ts";
import { sendsGradient } from "../plan/rules/rules.ts";
import type { TrainSettings } from "../plan/settings.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { EvaluateParamsPayload, MessageOf, ParameterUpdatePayload } from "../wire/messages.ts";
import type { ServerEvent } from "./events.ts";
import type { ParameterServerBackendHandler } from "./handler.ts";
import { Intake, type IntakeOptions } from "./intake.ts";
import { MeanLoss } from "./mean_loss.ts";
import { figuresOfUpdate, type UpdateFigures } from "./update_bound.ts";

/** A message that carries what a client has made of its data. */
export type UpdateMessage = MessageOf<
  typeof MessageCode.ParameterUpdate | typeof MessageCode.GradientUpdate
>;

/** The code of the updates that are asked for by a plan. */
export function updateCodeOf({ rule }: TrainSettings): UpdateMessage["code"] {
  return sendsGradient(rule) ? MessageCode.GradientUpdate : MessageCode.ParameterUpdate;
}

/** An update as the handler takes it, with a gradient in the place of the parameters. */
export function updateOf({ code, payload }: UpdateMessage): ParameterUpdatePayload {
  if (code === MessageCode.ParameterUpdate) return payload;
  const { gradient: parameters, ...fields } = payload;
  return { ...fields, parameters };
}

/** The update that a rank sends was not asked for: says why. */
export function unexpectedUpdate(rank: Rank, intake: Intake | undefined): ProtocolError {
  const where = `Cannot take the update of rank ${rank}`;
  if (intake === undefined) return new ProtocolError("wrong-round", `${where}: no round is open`);
  switch (intake.outcome(rank)) {
    case undefined:
      return new ProtocolError(
        "not-in-cohort",
        `${where}: it is not in the cohort of round ${intake.round}`,
      );
    case "dropped":
      return new ProtocolError(
        "wrong-round",
        `${where}: it came after the deadline of round ${intake.round}`,
      );
    default:
      return new ProtocolError(
        "duplicate-update",
        `${where}: it has answered in round ${intake.round} already`,
      );
  }
}

/** A cohort's training in one round: what has been taken in so far. */
export class Training {
  readonly intake: Intake;
  readonly #losses = new MeanLoss();
  /** The figures of what was taken in, in rank order. */
  readonly updates = new Map<Rank, UpdateFigures>();

  constructor(round: number, cohort: readonly Rank[], options: IntakeOptions) {
    this.intake = new Intake(round, cohort, options);
  }

  /** Mean of the clients' training losses, by samples. */
  get trainLoss(): number | undefined {
    return this.#losses.mean;
  }

  /** Checks an update and takes it in when it is its rank's turn; false when the round has gone on without it. */
  async take(
    sender: Rank,
    payload: ParameterUpdatePayload,
    handler: ParameterServerBackendHandler,
  ): Promise<boolean> {
    const { intake } = this;
    if (payload.round !== intake.round) {
      intake.takeBack(sender);
      throw new ProtocolError(
        "wrong-round",
        `Cannot take the update of rank ${sender}: expected one for round ${intake.round}, got one for round ${payload.round}`,
      );
    }
    if (!intake.expects(sender)) throw unexpectedUpdate(sender, intake);
    const norm = this.#check(sender, payload, handler);
    intake.arrived(sender);
    if (!await intake.turn(sender)) return false;
    try {
      this.#add(sender, payload, norm, handler);
    } catch (error) {
      // The sender is not to blame for what the algorithm makes of a sound update.
      intake.fail(error);
      return false;
    }
    return true;
  }

  /** The same for the update of the rank whose turn it is. */
  takeNext(
    sender: Rank,
    payload: ParameterUpdatePayload,
    handler: ParameterServerBackendHandler,
  ): void {
    const norm = this.#check(sender, payload, handler);
    this.#add(sender, payload, norm, handler);
  }

  #check(
    sender: Rank,
    payload: ParameterUpdatePayload,
    handler: ParameterServerBackendHandler,
  ): number | undefined {
    try {
      return handler.check(sender, payload) ?? undefined;
    } catch (error) {
      this.intake.settle(sender, "refused", errorMessage(error));
      throw error;
    }
  }

  #add(
    sender: Rank,
    payload: ParameterUpdatePayload,
    norm: number | undefined,
    handler: ParameterServerBackendHandler,
  ): void {
    handler.onReceive(sender, payload);
    this.#losses.add(payload);
    if (norm !== undefined) this.updates.set(sender, figuresOfUpdate(norm, payload));
    this.intake.settle(sender, "received");
  }
}

/** What is told of an update that was taken in. */
export function receivedEvent(
  { intake, updates }: Training,
  rank: Rank,
  { numSamples }: { readonly numSamples?: number | undefined },
): ServerEvent {
  const { norm } = updates.get(rank) ?? {};
  return {
    type: "update-received",
    round: intake.round,
    rank,
    received: intake.count("received"),
    expected: intake.cohort.length,
    ...(numSamples !== undefined && { numSamples }),
    ...(norm !== undefined && { norm }),
  };
}

/** What is told of an update that was refused, or that a client had none. */
export function refusedEvent(
  rank: Rank,
  { fault, message }: { readonly fault: string; readonly message: string },
  { round, norm }: { readonly round: number; readonly norm?: number | undefined },
): ServerEvent {
  return {
    type: "update-refused",
    rank,
    fault,
    message,
    round,
    ...(norm !== undefined && { norm }),
  };
}

/** The clients' evaluation of the parameters of one round. */
export class Evaluation {
  readonly intake: Intake;
  readonly #answers = new Map<Rank, EvaluateResult>();

  constructor(round: number, cohort: readonly Rank[]) {
    this.intake = new Intake(round, cohort, { window: cohort.length });
  }

  /** Takes a client's figures in. */
  take(sender: Rank, { round, numSamples, loss, accuracy }: EvaluateParamsPayload): void {
    if (this.intake.round !== round || !this.intake.expects(sender)) {
      throw unexpectedFigures(sender, round);
    }
    if (numSamples === undefined) {
      throw new ProtocolError(
        "invalid-field",
        `Cannot take the figures of rank ${sender}: expected the field numSamples, got none`,
      );
    }
    // A loss that is left out is not finite.
    this.#answers.set(sender, {
      numSamples,
      loss: loss ?? NaN,
      ...(accuracy !== undefined && { accuracy }),
    });
    this.intake.settle(sender, "received");
  }

  /** What came, in rank order. */
  get results(): EvaluateResult[] {
    return [...this.#answers].sort(([a], [b]) => a - b).map(([, result]) => result);
  }
}

/** The figures that a rank sends were not asked for. */
export function unexpectedFigures(rank: Rank, round: number): ProtocolError {
  return new ProtocolError(
    "wrong-round",
    `Cannot take the figures of rank ${rank} for round ${round}: none are expected`,
  );
}
