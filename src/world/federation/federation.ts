import type { Credential, Gatekeeper } from "../../auth/challenge.ts";
import type { Random } from "../../base/random.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { History } from "../history.ts";
import type { Machine } from "../machine.ts";
import { LinkFaults } from "../network/link_faults.ts";
import type { ProcessEnd, VirtualProcess } from "../virtual_process.ts";
import type { ProcessContext, World } from "../world.ts";
import { takePart } from "./client_program.ts";
import { takePartBadly } from "./hostile_member.ts";
import type { FederationPlan } from "./plan.ts";
import { resultsOn } from "./results.ts";
import { serveBadly } from "./rogue_server.ts";
import { serve } from "./server_program.ts";
import { joinByMistake } from "./stranger.ts";

/** Shortest and longest time until a process that has ended is started again, in milliseconds. */
const RESTART_MILLIS = [500, 20_000] as const;
/** Number of times that a newcomer with a mistake tries to join. */
const STRANGER_STARTS = 4;
/** Secret of clients that prove their identity by a token. */
const TOKEN = "a token that the clients know";
/** Time until a process has ended once the run is over, in milliseconds. */
export const FAREWELL_MILLIS = 900_000;

/** Program of a machine, which is started again whenever it ends before the run is over. */
interface Service {
  readonly machine: Machine;
  readonly main: (context: ProcessContext, signal: AbortSignal) => Promise<void>;
  process: VirtualProcess | undefined;
  /** Number of times that it may still be started. */
  starts: number;
  /** Tells the process to end. */
  stop: AbortController;
}

/** Keys and tokens of a federation. */
interface Proofs {
  readonly gatekeeper: Gatekeeper | undefined;
  readonly credentialOf: (client: number) => Credential | undefined;
}

/**
 * Federation in a world: a server and clients, each on a machine of its own, which are started
 * again whenever they end, until the server says that the run is over.
 */
export class Federation {
  readonly world: World;
  readonly plan: FederationPlan;
  readonly history: History;
  /** Faults of the links between its machines. */
  readonly links: LinkFaults;
  readonly #random: Random;
  readonly #services = new Map<string, Service>();
  #isOver = false;

  /** Prepares a federation; `start` makes its processes. */
  constructor(world: World, plan: FederationPlan) {
    this.world = world;
    this.plan = plan;
    this.history = new History(() => world.now);
    this.links = new LinkFaults(world.network, this.machines);
    this.#random = world.random("restarts");
    world.onEnd = (process, end) => this.#onEnd(process, end);
  }

  /** Names of the machines: that of the server first. */
  get machines(): readonly string[] {
    return ["server", ...this.clientMachines];
  }

  /** Names of the machines of clients. */
  get clientMachines(): readonly string[] {
    return Array.from({ length: this.plan.clients }, (_, i) => `client-${i + 1}`);
  }

  /** True once the server has ended the run. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True once the run is over and all processes have ended, save those that are paused. */
  get hasEnded(): boolean {
    const services = [...this.#services.values()];
    return this.#isOver && services.every(({ process }) => process?.state !== "running");
  }

  /** Process that runs on a machine; `undefined` while there is none. */
  processOn(machine: string): VirtualProcess | undefined {
    return this.#services.get(machine)?.process;
  }

  /** Makes the keys, and starts all processes. */
  async start(): Promise<void> {
    const { world, plan, history } = this;
    const { gatekeeper, credentialOf } = await this.#proofs();
    const { rogue } = plan;
    this.#add(
      "server",
      (context, signal) =>
        rogue === undefined
          ? serve({ plan, gatekeeper, history }, context, signal)
          : serveBadly({ plan, kind: rogue, history }, context),
    );
    const keys = gatekeeper?.kind === "keys" ? gatekeeper.allowed : undefined;
    for (let client = 1; client <= plan.clients; client++) {
      const program = { plan, client, credential: credentialOf(client), keys, history };
      const kind = plan.hostile?.find((member) => member.client === client)?.kind;
      this.#add(
        `client-${client}`,
        (context, signal) =>
          kind === undefined
            ? takePart(program, context, signal)
            : takePartBadly({ ...program, kind }, context),
        // A malicious server gets each client once.
        rogue === undefined ? Infinity : 1,
      );
    }
    const { mistake } = plan;
    if (mistake !== undefined) {
      const proof = credentialOf(1), credential = proof?.kind === "token" ? proof : undefined;
      this.#add(
        "stranger",
        (context, signal) => joinByMistake({ plan, mistake, credential }, context, signal),
        STRANGER_STARTS,
      );
    }
    for (const service of this.#services.values()) this.#start(service);
    world.log("world", `${plan.clients} clients, ${plan.rounds} rounds of ${plan.strategy}`);
  }

  /** Starts the program of a machine unless it runs, or has no power. */
  restart(machine: string): void {
    const service = this.#services.get(machine);
    if (service !== undefined) this.#start(service);
  }

  /** Tells the process on a machine to end, as the signal SIGTERM does. */
  stop(machine: string): void {
    const { process, stop } = this.#services.get(machine) ?? {};
    if (process === undefined) return;
    const abort = () => stop?.abort(new Error("the process was told to end"));
    this.world.scheduler.after(0, abort, { actor: process });
  }

  #add(name: string, main: Service["main"], starts = Infinity): void {
    const machine = this.world.machine(name), stop = new AbortController();
    this.#services.set(name, { machine, main, process: undefined, starts, stop });
  }

  #start(service: Service): void {
    if (this.#isOver || service.process !== undefined || !service.machine.isOn) return;
    if (service.starts-- <= 0) return;
    if (service.machine.name === "server") this.#lookAtResults(service.machine);
    const { main, machine } = service, { signal } = service.stop = new AbortController();
    service.process = this.world.start(machine, (context) => main(context, signal));
  }

  #onEnd(process: VirtualProcess, end: ProcessEnd): void {
    const { name } = process.machine, service = this.#services.get(name);
    this.history.add({ type: "ended", machine: name, ...end });
    if (service?.process !== process) return;
    service.process = undefined;
    if (name === "server" && end.by === "return") this.#isOver = true;
    if (this.plan.rogue !== undefined) return this.#endWithClients(name);
    if (this.#isOver && name === "server") this.#lookAtResults(process.machine);
    this.#startLater(name);
  }

  #startLater(machine: string): void {
    const [least, most] = RESTART_MILLIS;
    const millis = least + (most - least) * this.#random.uniform();
    this.world.scheduler.after(millis, () => this.restart(machine));
  }

  /** Ends a run under a malicious server once each client has ended, and its server then. */
  #endWithClients(ended: string): void {
    if (ended === "server") return this.#startLater("server");
    const isLeft = this.clientMachines.some((machine) => this.processOn(machine) !== undefined);
    if (isLeft || this.#isOver) return;
    this.#isOver = true;
    this.processOn("server")?.kill();
  }

  /** Writes down which results a server finds, or has left. */
  #lookAtResults({ disk }: Machine): void {
    for (const result of resultsOn(disk)) this.history.add({ type: "found", ...result });
  }

  /** Makes keys by a process of the world, so that they are the same again. */
  async #proofs(): Promise<Proofs> {
    const { plan, world } = this;
    switch (plan.proof) {
      case "none":
        return { gatekeeper: undefined, credentialOf: () => undefined };
      case "token": {
        const token = { kind: "token", token: TOKEN } as const;
        return { gatekeeper: token, credentialOf: () => token };
      }
      case "key": {
        const made: Extract<Credential, { kind: "key" }>[] = [];
        const { onEnd } = world;
        world.onEnd = () => {};
        const maker = world.start(world.machine("office"), async () => {
          for (let i = 0; i < plan.clients; i++) {
            const { subtle } = runtime.crypto;
            const usages: KeyUsage[] = ["sign", "verify"];
            const pair = await subtle.generateKey("Ed25519", false, usages) as CryptoKeyPair;
            const raw = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
            const publicKey = raw.toBase64({ alphabet: "base64url", omitPadding: true });
            made.push({ kind: "key", privateKey: pair.privateKey, publicKey });
          }
        });
        await world.run(() => maker.end !== undefined);
        world.onEnd = onEnd;
        const allowed = new Map(
          made.map(({ publicKey }, i) => [publicKey, {
            name: `client ${i + 1}`,
            ...(plan.asksForRank && { rank: i + 1 }),
          }]),
        );
        return {
          gatekeeper: { kind: "keys", allowed },
          credentialOf: (client) => made[client - 1],
        };
      }
    }
  }
}
