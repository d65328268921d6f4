import { ProtocolError } from "../../base/errors.ts";
import { lazy } from "../../base/lazy.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { CannotTrainError, UNTOLD_REASON } from "../../plan/cannot_train.ts";
import { SecureError } from "../../secure/errors.ts";
import { ToldTraining } from "../../secure/told.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { ErrorPayload, IdAssignmentPayload, Message } from "../../wire/messages.ts";
import type { ReceivedParameters } from "../client_codecs.ts";
import type { ClientTopologyOptions } from "../options.ts";
import type { SubModel } from "../sub_model.ts";
import type { TrainingTask } from "../training_task.ts";
import type { SecureMessage } from "./secure_message.ts";
import type { SecurePart } from "./secure_part.ts";

const loadPart = /* @__PURE__ */ lazy(() => import("./secure_part.ts"));

/** Fields of the error that tells the server of a round without an update. */
export type Notice = Partial<ErrorPayload>;

/** Options of a client that concern secure aggregation. */
type SecureMemberOptions = Pick<
  ClientTopologyOptions,
  | "secureMinMembers"
  | "shareMetrics"
  | "secureKeys"
  | "credential"
  | "privacyMaxEpsilon"
  | "privacyMaxDelta"
>;

/** Client as a member of secure aggregation, where a run has it: what it keeps, and its answers. */
export class SecureMember {
  readonly #options: SecureMemberOptions;
  readonly #subModel: Pick<SubModel, "part" | "staying" | "whole">;
  /** Kept when a run follows without secure aggregation, as the rounds that were revealed. */
  #part: SecurePart | undefined;
  #isOn = false;
  /** Model and schema by which the handler was set up: another connection changes neither. */
  #told: ToldTraining | undefined;

  /** Creates a client that is no member yet. */
  constructor(
    options: SecureMemberOptions,
    subModel: Pick<SubModel, "part" | "staying" | "whole">,
  ) {
    this.#options = options;
    this.#subModel = subModel;
  }

  /** True if the run has secure aggregation. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /**
   * Checks that the client may tell how parameters do on its data.
   *
   * @throws {ProtocolError} "secure-mismatch", if the run has secure aggregation.
   */
  checkEvaluation(): void {
    if (!this.#isOn) return;
    throw new ProtocolError(
      "secure-mismatch",
      "Cannot evaluate: with secure aggregation no figures of a single client are told",
    );
  }

  /**
   * Returns what the server is told of the reason why the client has no update: a text in place of
   * one that may have figures of its data, or the ranks whose boxes hold no share.
   */
  noticeOf(error: Error): Notice {
    if (!this.#isOn) return {};
    if (error instanceof CannotTrainError) return { message: UNTOLD_REASON };
    const isAboutBoxes = error instanceof SecureError && error.fault.startsWith("box-");
    return isAboutBoxes ? { accused: error.ranks } : {};
  }

  /**
   * Begins a connection.
   *
   * @param isBack Set if the run is that of the connection before, whose model the client still
   * has.
   * @param data Tells the number of samples of the client, once it has joined.
   * @param warn Told if not all of them count.
   */
  async begin(
    assignment: IdAssignmentPayload,
    isBack: boolean,
    data: { readonly numSamples: number },
    warn: (text: string) => void,
  ): Promise<void> {
    const { plan: { secure }, mode } = assignment;
    if (!isBack || this.#told === undefined) this.#told = new ToldTraining(assignment);
    this.#isOn = secure !== undefined && mode !== "statistics";
    if (!this.#isOn) return;
    const { maxSamples = Infinity } = secure ?? {}, { numSamples } = data;
    // In a private run all count alike, as it must be.
    const isPrivate = secure?.noise !== undefined || secure?.maxNorm !== undefined;
    if (numSamples > maxSamples && !isPrivate) {
      warn(`Of ${numSamples} samples here ${maxSamples} count in the mean with secure aggregation`);
    }
    const { SecurePart } = await loadPart();
    this.#part ??= new SecurePart(this.#options);
    this.#part.begin(assignment, this.#told);
  }

  /**
   * Returns the values that travel of parameters; `undefined` without secure aggregation.
   *
   * @throws {ProtocolError} "wrong-codec", if they are encoded.
   */
  partOf(payload: ReceivedParameters): ParameterVector | undefined {
    if (!this.#isOn) return undefined;
    if ("parameters" in payload) {
      return this.#subModel.part(this.#subModel.whole(payload.parameters));
    }
    throw new ProtocolError(
      "wrong-codec",
      "Cannot load the parameters: expected whole ones with secure aggregation, got encoded ones",
    );
  }

  /** Reports whether these are the values that the client has of a round. */
  has(round: number, part: ParameterVector): boolean {
    return this.#part?.has(round, part) ?? false;
  }

  /**
   * Keeps the values of a round.
   *
   * @throws {SecureError} If the round has other settings of secure aggregation than the run.
   */
  keep({ round, plan }: ReceivedParameters, part: ParameterVector | undefined): void {
    if (part !== undefined) this.#part?.keep(round, part, plan, this.#subModel.staying);
  }

  /**
   * Answers a message.
   *
   * @throws {SecureError} If the client refuses what it is asked for.
   */
  async answer(message: SecureMessage): Promise<Message | undefined> {
    return await this.#part?.answer(message);
  }

  /** Answers the members that were named before the parameters of their round came. */
  async answerEarly(round: number): Promise<Message | undefined> {
    return this.#isOn ? await this.#part?.answerEarly(round) : undefined;
  }

  /**
   * Makes the masked form of an update, once the boxes of its round are there.
   *
   * @throws {SecureError} If the client cannot send it.
   */
  async masked(
    message: Message | undefined,
    task: TrainingTask | undefined,
  ): Promise<Message | undefined> {
    const isShared = this.#options.shareMetrics !== "none";
    const loss = isShared ? task?.result?.loss ?? 0 : 0, steps = task?.result?.steps ?? 0;
    switch (message?.code) {
      case MessageCode.ParameterUpdate: {
        const { round, parameters, numSamples: samples = 0 } = message.payload;
        return await this.#part?.masked(round, parameters, { samples, loss, steps });
      }
      case MessageCode.GradientUpdate: {
        const { round, gradient, numSamples: samples } = message.payload;
        const figures = { samples, loss, steps };
        return await this.#part?.masked(round, gradient, figures, { isGradient: true });
      }
    }
    return undefined;
  }
}
