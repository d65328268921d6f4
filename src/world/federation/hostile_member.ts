import { answerChallenge, type Credential } from "../../auth/challenge.ts";
import { ConnectionClosedError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { delay } from "../../base/time/delay.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { IdAssignmentPayload, Message, MessageOf } from "../../wire/messages.ts";
import type { History } from "../history.ts";
import type { ProcessContext } from "../world.ts";
import { drawn, type FederationPlan, HOSTILE_KINDS, type HostileKind } from "./plan.ts";
import { frameOf, RawConnection } from "./raw_connection.ts";
import { SERVER_ADDRESS } from "./server_program.ts";
import { figuresOf, meanSquare, stepFrom } from "./step_handler.ts";

/** Share of the requests at which a hostile member does what is its kind. */
const HOSTILE_SHARE = 0.7;
/** Seconds before the deadline of a round at which a late update begins. */
const LATE_SECONDS = 3;
/** Time for which an update dribbles, in seconds, and its number of pieces. */
const DRIBBLE_SECONDS = 20, DRIBBLE_PIECES = 40;
/** Length of the reasons with which a member leaves. */
const REASON_LENGTH = 1000;
/** Number of messages of a flood. */
const FLOOD = 100;

/** Parts of a hostile member that outlive its process. */
export interface HostileProgram {
  readonly plan: FederationPlan;
  /** Number of the client, from 1. */
  readonly client: number;
  readonly kind: HostileKind;
  readonly credential: Credential | undefined;
  readonly history: History;
}

/** Request of a server to train. */
interface Task {
  readonly round: number;
  readonly start: ParameterVector;
}

/** Takes part in a federation by the protocol, and breaks its rules. Ends with its connection. */
export async function takePartBadly(
  program: HostileProgram,
  { process, transport, random }: ProcessContext,
): Promise<void> {
  program.history.add({ type: "started", machine: process.machine.name });
  const open = async () => new RawConnection(await transport.connect(SERVER_ADDRESS));
  const member = new HostileMember(program, random, open);
  try {
    await member.run();
  } catch (error) {
    if (!(error instanceof ConnectionClosedError)) throw error;
  }
}

/** Member that answers by hand. */
class HostileMember {
  readonly #program: HostileProgram;
  readonly #random: Random;
  readonly #open: () => Promise<RawConnection>;
  readonly #connections = new Set<RawConnection>();

  constructor(program: HostileProgram, random: Random, open: () => Promise<RawConnection>) {
    this.#program = program;
    this.#random = random;
    this.#open = open;
  }

  async run(): Promise<void> {
    const { plan } = this.#program;
    try {
      const connection = await this.#join(this.#wantedRank());
      if (plan.isAsync) await connection.send(REQUEST);
      for (;;) await this.#answer(connection, await connection.next());
    } finally {
      for (const connection of this.#connections) connection.close();
    }
  }

  /** Rank to ask for: another one at each start, with that kind. */
  #wantedRank(): number | undefined {
    const { client, kind, plan: { clients, asksForRank } } = this.#program;
    const isRestless = kind === "another rank" || kind === "all of these";
    if (isRestless) return 1 + this.#random.below(clients);
    return asksForRank ? client : undefined;
  }

  /** Registers over a connection of its own. */
  async #join(rank: number | undefined, token?: string): Promise<RawConnection> {
    const { credential, client, plan } = this.#program;
    const connection = await this.#open();
    this.#connections.add(connection);
    const payload = {
      ...(rank !== undefined && { rank }),
      ...(token !== undefined && { token }),
      agent: "hostile",
    };
    await connection.send({ code: MessageCode.Registration, payload });
    let answer = await connection.next();
    if (answer.code === MessageCode.Challenge) {
      const proof = await answerChallenge(credential, answer.payload);
      await connection.send({ code: MessageCode.Proof, payload: proof });
      answer = await connection.next();
    }
    if (answer.code !== MessageCode.IdAssignment) {
      throw new ConnectionClosedError("The server does not let the member in");
    }
    const { manifestDigest } = answer.payload, { numSamples } = figuresOf(client);
    await connection.send({ code: MessageCode.Ready, payload: { manifestDigest, numSamples } });
    connection.beat(plan.heartbeatSeconds);
    this.#assignment = answer.payload;
    return connection;
  }
  #assignment: IdAssignmentPayload | undefined;

  async #answer(connection: RawConnection, message: Message): Promise<void> {
    switch (message.code) {
      case MessageCode.Exit:
        await connection.send({ code: MessageCode.Exit, payload: { reason: "as told" } });
        throw new ConnectionClosedError("The run is over");
      case MessageCode.ParameterUpdate: {
        const { round, parameters } = message.payload;
        await delay(1000 * this.#program.plan.trainSeconds[0]);
        const task = { round, start: parameters.slice() };
        const isHostile = this.#random.uniform() < HOSTILE_SHARE;
        if (isHostile) await this.#act(connection, task);
        else await this.#send(connection, task);
        if (this.#program.plan.isAsync) await connection.send(REQUEST);
        return;
      }
      case MessageCode.EvaluateParams: {
        const { round, parameters } = message.payload;
        if (parameters === undefined) return;
        const { numSamples } = figuresOf(this.#program.client), loss = meanSquare(parameters);
        const payload = { round, numSamples, loss: Number.isFinite(loss) ? loss : 0 };
        return await connection.send({ code: MessageCode.EvaluateParams, payload });
      }
    }
  }

  /** Does what is its kind when it is asked to train. */
  async #act(connection: RawConnection, task: Task): Promise<void> {
    const { kind, plan } = this.#program, { round } = task;
    const now = kind === "all of these" ? drawn(this.#random, HOSTILE_KINDS) : kind;
    switch (now) {
      case "stalls": {
        await delay(1000 * Math.max(0, plan.roundSeconds - plan.trainSeconds[0] - LATE_SECONDS));
        const frame = frameOf(this.#update(task));
        connection.isSilent = true;
        await connection.write(frame.slice(0, frame.length >> 1));
        return await connection.untilOver();
      }
      case "dribbles": {
        const frame = frameOf(this.#trained(task)), size = Math.ceil(frame.length / DRIBBLE_PIECES);
        connection.isSilent = true;
        for (let at = 0; at < frame.length; at += size) {
          await connection.write(frame.slice(at, at + size));
          await delay(1000 * DRIBBLE_SECONDS / DRIBBLE_PIECES);
        }
        connection.isSilent = false;
        return;
      }
      case "beats only":
      case "all of these":
        return await connection.untilOver();
      case "huge values":
        return await this.#send(connection, task, (x) => x < 0 ? -3e38 : 3e38);
      case "no numbers":
        return await connection.send(this.#update(task, () => NaN));
      case "another round":
        for (const other of [round + 1, round - 1]) {
          if (other > 0) await connection.send(this.#update({ ...task, round: other }));
        }
        return;
      case "twice":
        for (let i = 0; i < 2; i++) await this.#send(connection, task);
        return;
      case "registers twice": {
        const { rank, token } = this.#assignment ?? {};
        const second = await this.#join(rank, token);
        return await this.#send(second, task);
      }
      case "floods":
        for (let i = 0; i < FLOOD && !connection.isOver; i++) {
          const payload = { round: round + i, numSamples: 1, loss: i };
          await connection.send({ code: MessageCode.EvaluateParams, payload });
        }
        return;
      case "leaves":
      case "another rank": {
        const reason = "\u4e2d".repeat(REASON_LENGTH);
        const payload = { fault: "handler-failed", message: reason, fatal: true };
        await connection.send(
          this.#random.below(2) === 0
            ? { code: MessageCode.Exit, payload: { reason } }
            : { code: MessageCode.Error, payload },
        );
        throw new ConnectionClosedError("The member has left");
      }
    }
  }

  /** Trains and sends the update. */
  async #send(
    connection: RawConnection,
    task: Task,
    change?: (x: number) => number,
  ): Promise<void> {
    await connection.send(this.#trained(task, change));
  }

  /** Makes an update that may be counted. */
  #trained(task: Task, change?: (x: number) => number): Message {
    const { client, history } = this.#program, { round, start } = task;
    const message = this.#update(task, change);
    const machine = `client-${client}`, result = message.payload.parameters.slice();
    history.add({ type: "trained", machine, round, start, result });
    return message;
  }

  #update(
    { round, start }: Task,
    change: (x: number) => number = (x) => x,
  ): MessageOf<typeof MessageCode.ParameterUpdate> {
    const { client } = this.#program, loss = meanSquare(start);
    const parameters = stepFrom(start, client, round).map(change);
    return {
      code: MessageCode.ParameterUpdate,
      payload: { round, parameters, ...figuresOf(client), loss, metrics: {} },
    };
  }
}

const REQUEST: Message = { code: MessageCode.ParameterRequest, payload: {} };
