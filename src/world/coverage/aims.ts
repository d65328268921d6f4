import type { Random } from "../../base/random.ts";
import type { Fault } from "../faults/fault.ts";
import { drawn } from "../federation/plan.ts";
import type { Transition } from "./machine.ts";

/** Fault that is aimed at a transition. */
export interface Aim {
  readonly fault: Fault;
  /** Time that it lasts in seconds; 0 for one that acts at once. */
  readonly seconds: number;
  /** Time in seconds from the moment to the fault. */
  readonly delay: number;
  /** State whose moment it is, in place of the state in which the transition begins. */
  readonly state?: string | undefined;
  /** Machine that has that state, if it is another one. */
  readonly machine?: string;
}

/** Client in the state in which a transition begins, and the others. */
interface Target {
  readonly client: string;
  readonly others: readonly string[];
  /** State before that one; absent if it is the first. */
  readonly before: string | undefined;
}

/** Draws faults for a target. */
type Draw = (target: Target, random: Random) => readonly Aim[];

/** Time in which a silent connection is given up, in seconds, whatever the heartbeats. */
const SILENCE = 150;
/** Time after which all that waits for a client has been given up, in seconds. */
const TOO_LONG = 700;

const now = (fault: Fault, seconds = 0): Aim => ({ fault, seconds, delay: 0 });
const later = (delay: number, aims: readonly Aim[]) => aims.map((aim) => ({ ...aim, delay }));

const cut = (link: { readonly from: string } | { readonly to: string }, seconds: number) =>
  now({ kind: "link", ...link, change: { isCut: true } }, seconds);
const pauseOf = (machine: string, seconds: number) => now({ kind: "pause", machine }, seconds);

const kill: Draw = ({ client }) => [now({ kind: "kill", machine: client })];
const killServer: Draw = () => [now({ kind: "kill", machine: "server" })];
const reset: Draw = ({ client }) => [now({ kind: "reset", machine: client })];
const stop: Draw = ({ client }) => [now({ kind: "stop", machine: client })];
const stopServer: Draw = () => [now({ kind: "stop", machine: "server" })];
const hearNothing: Draw = ({ client }) => [cut({ to: client }, SILENCE)];
const sayNothing: Draw = ({ client }) => [cut({ from: client }, SILENCE)];
const pause: Draw = ({ client }, random) => [pauseOf(client, 1 + random.below(SILENCE))];
const pauseServer: Draw = (_, random) => [pauseOf("server", 1 + random.below(60))];
const pauseLong: Draw = ({ client }) => [pauseOf(client, TOO_LONG)];
const fillDisk: Draw = (_, random) => [
  now({ kind: "disk", machine: "server", fault: { freeBytes: 0 } }, 1 + random.below(SILENCE)),
];

/** Cuts so many other clients off that too few are left; sometimes this one is slow as well. */
const cutMany: Draw = ({ client, others }, random) => [
  ...others.filter(() => random.below(4) > 0).map((other) => cut({ from: other }, 4 * SILENCE)),
  ...(random.below(2) === 0 ? [pauseOf(client, 20 + random.below(20))] : []),
];

/** Tells many other clients to end, by which too few are left at once. */
const stopMany: Draw = ({ others }, random) =>
  others.filter(() => random.below(4) > 0).map((machine) => now({ kind: "stop", machine }));

/**
 * Holds a process up before it comes into the state, so that what brings it there waits unread
 * while another fault happens.
 */
const heldUp = (draw: Draw, who: (target: Target) => string): Draw => (target, random) => [
  { ...pauseOf(who(target), 5 + random.below(25)), state: target.before },
  ...later(0.1 * random.below(5), draw(target, random)),
];
/** Holds a process up in the state, as far as it is not left at once, while a fault happens. */
const held = (draw: Draw, who: (target: Target) => string): Draw => (target, random) => [
  pauseOf(who(target), 5 + random.below(20)),
  ...later(0.5 + random.uniform(), draw(target, random)),
];
/** Has a fault at the state before. */
const earlier = (draw: Draw): Draw => (target, random) =>
  draw(target, random).map((aim) => ({ ...aim, state: target.before }));
const client = ({ client }: Target) => client;
const server = () => "server";
/** Lets no packets of a client come to the server while another fault happens. */
const unheard = (draw: Draw): Draw => (target, random) => [
  cut({ from: target.client }, 5 + random.below(SILENCE)),
  ...later(0.5 + random.uniform(), draw(target, random)),
];

/** Holds a client up as the run ends, so that the farewell of the server waits unread. */
const atTheEnd = (draw: Draw): Draw => (target, random) => [
  { ...pauseOf(target.client, 5 + random.below(20)), machine: "server", state: "over" },
  ...draw(target, random),
];

type Draws = readonly [Draw, ...Draw[]];

/** Faults that lead to an event: at a client's end of a connection, and at the server's. */
const BY_EVENT: { readonly [event: string]: { readonly [side: string]: Draws } } = {
  "is killed": {
    client: [kill, held(kill, client), heldUp(kill, client)],
    session: [
      killServer,
      held(killServer, server),
      heldUp(killServer, server),
      unheard(killServer),
    ],
  },
  "is cut off": {
    client: [reset, held(reset, client), heldUp(reset, client)],
    session: [reset, held(reset, server), heldUp(reset, server), unheard(reset)],
  },
  "server closes": {
    client: [killServer, stopServer, held(killServer, client), heldUp(killServer, client)],
  },
  "client closes": {
    session: [kill, stop, held(kill, server), heldUp(kill, server), unheard(kill)],
  },
  closes: {
    client: [hearNothing, pauseLong, stop],
    session: [sayNothing, pauseLong, stopServer],
  },
  "sends Exit": { client: [stop], session: [stopServer] },
  "gets Exit": { client: [stopServer], session: [stop] },
  "gets SecureKeys": {
    client: [cutMany, earlier(cutMany), stopMany, earlier(stopMany), held(stopMany, client)],
  },
  "sends SecureKeys": {
    session: [cutMany, earlier(cutMany), stopMany, heldUp(stopMany, client)],
  },
  ends: { server: [killServer] },
  stops: { server: [stopServer] },
  "cannot save": { checkpoints: [fillDisk] },
  "gets encoded parameters to evaluate": { client: [killServer, earlier(killServer)] },
};
/** Faults that may lead to any event. */
const OTHERS: Draws = [
  kill,
  ...[kill, killServer, killServer, reset, reset, stop, cutMany],
  ...[pause, pauseServer, hearNothing, sayNothing],
  ...[heldUp(stop, client), heldUp(kill, server), heldUp(stopServer, client)],
];

/** Draws faults that may lead from the state in which a transition begins to its event. */
export function drawAims(
  { machine, from, on }: Transition,
  target: Target,
  random: Random,
): readonly Aim[] {
  const [side = ""] = machine.split("'");
  const draw = drawn(random, BY_EVENT[on]?.[side] ?? OTHERS);
  return (machine === "client" && from === "leaving" ? atTheEnd(draw) : draw)(target, random);
}
