import type { Random } from "../../base/random.ts";
import type { Fault } from "../faults/fault.ts";
import { drawn } from "../federation/plan.ts";
import type { Transition } from "./machine.ts";

/** Fault that is aimed at a transition, and the time that it lasts. */
export interface Aim {
  readonly fault: Fault;
  /** Time in seconds; 0 for one that acts at once. */
  readonly seconds: number;
}

/** Draws a fault for a client in the state in which a transition begins. */
type Draw = (client: string, random: Random) => Aim;

/** Time in which a silent connection is given up, in seconds, whatever the heartbeats. */
const SILENCE = 150;

const once = (fault: Fault): Aim => ({ fault, seconds: 0 });
const cutFrom = (from: string, seconds: number): Aim => ({
  fault: { kind: "link", from, change: { isCut: true } },
  seconds,
});
const cutTo = (to: string, seconds: number): Aim => ({
  fault: { kind: "link", to, change: { isCut: true } },
  seconds,
});

const kill: Draw = (machine) => once({ kind: "kill", machine });
const killServer: Draw = () => once({ kind: "kill", machine: "server" });
const reset: Draw = (machine) => once({ kind: "reset", machine });
const stop: Draw = (machine) => once({ kind: "stop", machine });
const stopServer: Draw = () => once({ kind: "stop", machine: "server" });
const hearNothing: Draw = (client) => cutTo(client, SILENCE);
const sayNothing: Draw = (client) => cutFrom(client, SILENCE);
const pause: Draw = (machine, random) => ({
  fault: { kind: "pause", machine },
  seconds: 1 + Math.round(SILENCE * random.uniform()),
});
const pauseServer: Draw = (_, random) => ({
  fault: { kind: "pause", machine: "server" },
  seconds: 1 + Math.round(60 * random.uniform()),
});
const fillDisk: Draw = (_, random) => ({
  fault: { kind: "disk", machine: "server", fault: { freeBytes: 0 } },
  seconds: 1 + Math.round(SILENCE * random.uniform()),
});

/** Faults that lead to an event: at a client's end of a connection, and at the server's. */
const BY_EVENT: { readonly [event: string]: { readonly [side: string]: Draw } } = {
  "is killed": { client: kill, session: killServer },
  "is cut off": { client: reset, session: reset },
  "server closes": { client: killServer },
  "client closes": { session: kill },
  closes: { client: hearNothing, session: sayNothing },
  "sends Exit": { client: stop, session: stopServer },
  "gets Exit": { client: stopServer, session: stop },
  ends: { server: killServer },
  stops: { server: stopServer },
  "cannot save": { checkpoints: fillDisk },
};
/** Faults that may lead to any event. */
const OTHERS: readonly [Draw, ...Draw[]] = [
  kill,
  kill,
  killServer,
  reset,
  reset,
  pause,
  pauseServer,
  hearNothing,
  sayNothing,
  stop,
];

/** Draws a fault that may lead from the state in which a transition begins to its event. */
export function drawAim(
  { machine, on }: Transition,
  client: string,
  random: Random,
): Aim {
  const [side = ""] = machine.split("'");
  const draw = BY_EVENT[on]?.[side] ?? drawn(random, OTHERS);
  return draw(client, random);
}
