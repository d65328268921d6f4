import { equalValues } from "../../base/equal_values.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { SecureClient } from "../../secure/client/client.ts";
import type { MemberShare } from "../../privacy/distributed/member_share.ts";
import { SecureError } from "../../secure/errors.ts";
import type { AttemptId } from "../../secure/messages.ts";
import { type LaneFigures, quantizeUpdate } from "../../secure/quantize.ts";
import { type Ring, ringOf } from "../../secure/ring.ts";
import { ToldTraining } from "../../secure/told.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type {
  IdAssignmentPayload,
  Message,
  SecureKeysPayload,
  SecureMembersPayload,
} from "../../wire/messages.ts";
import type { ClientTopologyOptions } from "../options.ts";
import { identityOf } from "./identity.ts";
import { NoiseBudget } from "./noise_budget.ts";
import { checkThreshold, privateShareOf } from "./private_share.ts";
import { isSameAttempt, ReceivedTraining } from "./received_training.ts";
import type { SecureMessage } from "./secure_message.ts";

/** Options of a {@linkcode SecurePart}. */
export type SecurePartOptions = Pick<
  ClientTopologyOptions,
  "secureMinMembers" | "secureKeys" | "credential" | "privacyMaxEpsilon" | "privacyMaxDelta"
>;

/**
 * Client's part in secure aggregation during a run: the parameters that it has received, which are
 * bound into its masks, and its answers to the messages of the server.
 */
export class SecurePart {
  readonly #options: SecurePartOptions;
  /** Assignment of the last connection, and what the client was told when it set itself up. */
  #joined: { readonly assignment: IdAssignmentPayload; readonly told: ToldTraining } | undefined;
  #ring: Ring | undefined;
  /** Form of the updates in a private run. */
  #share: MemberShare | undefined;
  #client: SecureClient | undefined;
  #training = new ReceivedTraining();
  /** Keys of the last attempt, which are the same ones when they are asked for again. */
  #keys: { readonly id: AttemptId; readonly message: Message } | undefined;
  /** Members that were named before the parameters of their round had come. */
  #early: SecureMembersPayload | undefined;
  /** Attempt whose boxes were opened: its update may be sent. */
  #opened: AttemptId | undefined;
  /** Masked update of an attempt, which is the same one when it is sent again. */
  #masked: { readonly id: AttemptId; readonly message: Message } | undefined;
  /** Rounds of the run for which shares were revealed, with the attempt and the member of each. */
  readonly #revealed = new Map<number, { readonly attempt: number; readonly by: SecureClient }>();
  #update: ParameterVector = new Float32Array();
  readonly #budget: NoiseBudget;

  /** Creates the part of a client. */
  constructor(options: SecurePartOptions = {}) {
    this.#options = options;
    this.#budget = new NoiseBudget(options);
  }

  /**
   * Begins a connection. What belongs to the run is kept if it is that of the one before.
   *
   * @param told Model and data as the client was told of them when it set itself up.
   */
  begin(assignment: IdAssignmentPayload, told = new ToldTraining(assignment)): void {
    const { run, rank, plan } = assignment, before = this.#joined?.assignment;
    this.#joined = { assignment, told };
    this.#ring = plan.secure && ringOf(plan.secure);
    this.#share = privateShareOf(plan.secure);
    const isSameRun = before?.run === run;
    if (this.#client !== undefined && isSameRun && before.rank === rank) return;
    // They hold for the run, also under another rank.
    if (!isSameRun) this.#revealed.clear();
    this.#client = plan.secure && new SecureClient({ run, rank, ...identityOf(this.#options) });
    this.#training = new ReceivedTraining();
    this.#keys =
      this.#early =
      this.#opened =
      this.#masked =
        undefined;
  }

  /** Reports whether these are the parameters that the client has of a round. */
  has(round: number, vector: ParameterVector): boolean {
    return this.#training.has(round, vector);
  }

  /**
   * Keeps the training of a round.
   *
   * @param vector Values that travel of the parameters.
   * @param roundPlan Settings of the round, if it has its own.
   * @param staying Values that do not travel, if there are any.
   * @throws {SecureError} "plain-update-asked" or "ring-differs", if the settings have none of
   * secure aggregation, or others than the run.
   */
  keep(
    round: number,
    vector: ParameterVector,
    roundPlan?: TrainSettings,
    staying?: ParameterVector,
  ): void {
    const { assignment, told } = required(this.#joined), plan = roundPlan ?? assignment.plan;
    if (plan.secure === undefined) {
      throw new SecureError(
        "plain-update-asked",
        "Cannot train: expected settings with secure aggregation, as the run has it",
      );
    }
    if (!equalValues(plan.secure, assignment.plan.secure)) {
      throw new SecureError(
        "ring-differs",
        "Cannot train: expected the settings of secure aggregation of the run, got others",
      );
    }
    this.#training.keep({ round, vector, told: told.bytes(plan, staying) });
  }

  /**
   * Answers a message.
   *
   * @returns The answer; `undefined` if there is none, or not yet.
   * @throws {SecureError} If the client refuses what it is asked for.
   */
  async answer(message: SecureMessage): Promise<Message | undefined> {
    const client = required(this.#client), { payload } = message;
    switch (message.code) {
      case MessageCode.SecureKeys:
        return await this.#answerKeys(client, message.payload);
      case MessageCode.SecureMembers:
        return await this.#shareKeys(client, message.payload);
      case MessageCode.SecureShares:
        await client.receive(message.payload);
        this.#opened = { round: payload.round, attempt: payload.attempt };
        return undefined;
      case MessageCode.SurvivorList:
        return { code: MessageCode.SurvivorVote, payload: await client.vote(message.payload) };
      case MessageCode.UnmaskRequest: {
        const shares = await client.reveal(message.payload);
        this.#revealed.set(payload.round, { attempt: payload.attempt, by: client });
        return { code: MessageCode.UnmaskShares, payload: shares };
      }
    }
  }

  /** Answers the members that were named before the parameters came, if they are of this round. */
  async answerEarly(round: number): Promise<Message | undefined> {
    const early = this.#early;
    this.#early = undefined;
    return early?.round === round
      ? await this.#shareKeys(required(this.#client), early)
      : undefined;
  }

  /**
   * Makes the masked update of a round.
   *
   * @param trained Trained parameters that travel.
   * @returns `undefined` if the boxes of the round are not there yet.
   * @throws {SecureError} "non-finite", or if the client is not in the attempt any more.
   */
  async masked(
    round: number,
    trained: ParameterVector,
    figures: LaneFigures,
    { isGradient = false } = {},
  ): Promise<Message | undefined> {
    const client = required(this.#client), id = this.#opened, ring = this.#ring;
    if (ring === undefined || id?.round !== round || !this.#training.of(round)) return undefined;
    if (isSameAttempt(this.#masked?.id, id)) return this.#masked?.message;
    const { vector } = this.#training.boundTo(id),
      { seed, rank } = required(this.#joined).assignment;
    if (this.#update.length !== trained.length) this.#update = new Float32Array(trained.length);
    const update = this.#update;
    for (let i = 0; i < update.length; i++) {
      update[i] = (trained[i] ?? NaN) - (isGradient ? 0 : vector[i] ?? NaN);
    }
    const loss = Number.isFinite(figures.loss) ? figures.loss : ring.maxLoss;
    const stream = { seed, round, rank };
    // Memory of its own: what an attempt has masked may still be on its way.
    const quantized = this.#share
      ? this.#share.quantize(update)
      : quantizeUpdate(ring, update, { ...figures, loss }, stream);
    this.#budget.spend(this.#settings?.noise);
    const payload = await client.mask(id, quantized);
    const message: Message = { code: MessageCode.MaskedUpdate, payload };
    this.#masked = { id, message };
    return message;
  }

  async #answerKeys(client: SecureClient, id: SecureKeysPayload): Promise<Message> {
    const { round, attempt } = id, last = this.#keys;
    if (last !== undefined && isSameAttempt(last.id, id)) return last.message;
    this.#checkRevealed(id);
    this.#budget.check(this.#settings?.noise);
    this.#opened =
      this.#early =
      this.#masked =
        undefined;
    const keys = await client.keys();
    const message: Message = {
      code: MessageCode.SecureKeys,
      payload: { round, attempt, ...keys },
    };
    this.#keys = { id: { round, attempt }, message };
    return message;
  }

  async #shareKeys(
    client: SecureClient,
    members: SecureMembersPayload,
  ): Promise<Message | undefined> {
    this.#checkRevealed(members);
    checkThreshold(members, this.#settings);
    const ring = this.#ring, training = ring && this.#training.bind(members);
    if (ring === undefined || training === undefined) {
      this.#early = members;
      return undefined;
    }
    const shares = await client.share(members, { ...training, ring });
    return { code: MessageCode.SecureShares, payload: shares };
  }

  /** Checks that no shares were revealed in another attempt at the round. */
  #checkRevealed({ round, attempt }: AttemptId): void {
    const before = this.#revealed.get(round);
    if (before === undefined) return;
    // Under another rank it was another member, whose answers cannot be given again.
    if (before.attempt === attempt && before.by === this.#client) return;
    throw new SecureError(
      "revealed-already",
      `Cannot join attempt ${attempt} of round ${round}: this client has revealed shares for attempt ${before.attempt}`,
    );
  }

  /** Settings of secure aggregation of the run. */
  get #settings(): TrainSettings["secure"] {
    return this.#joined?.assignment.plan.secure;
  }
}

/** Returns what a client has that is a member. */
function required<T>(part: T | undefined): T {
  if (part !== undefined) return part;
  throw new Error("Cannot mask an update: the run has no secure aggregation");
}
