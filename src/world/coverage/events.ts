import type { Message } from "../../wire/messages.ts";
import type { EndCause, Side } from "../network/tap.ts";
import type { Frame } from "../watch/frames.ts";

/** Machine of one side of a connection. */
export type SideMachine =
  | "client"
  | "client's evaluation"
  | "client's member"
  | "client's parameters"
  | "session"
  | "session's evaluation"
  | "session's member"
  | "session's updates";

/** Machines at each side of a connection. */
export const SIDE_MACHINES: { readonly [S in Side]: readonly SideMachine[] } = {
  near: ["client", "client's evaluation", "client's member", "client's parameters"],
  far: ["session", "session's evaluation", "session's member", "session's updates"],
};

/** End of a connection, as the machines of each side name it. */
export const END_WORDS: { readonly [S in Side]: { readonly [C in EndCause]: string } } = {
  near: {
    closed: "closes",
    ended: "is killed",
    "peer closed": "server closes",
    lost: "is cut off",
  },
  far: {
    closed: "closes",
    ended: "is killed",
    "peer closed": "client closes",
    lost: "is cut off",
  },
};

const UPDATES: ReadonlySet<string> = new Set([
  "ParameterUpdate",
  "CompressedUpdate",
  "GradientUpdate",
]);
const MEMBERS: ReadonlySet<string> = new Set([
  "SecureKeys",
  "SecureMembers",
  "SecureShares",
  "MaskedUpdate",
  "SurvivorList",
  "SurvivorVote",
  "UnmaskRequest",
  "UnmaskShares",
]);

/** Returns what a message is to a machine; `undefined` if it is nothing to it. */
export function eventOf(
  machine: SideMachine,
  verb: "sends" | "gets",
  { name, message }: Frame,
): string | undefined {
  const words = wordsFor(machine, name, message, (verb === "sends") === machine.startsWith("s"));
  return words && `${verb} ${words}`;
}

function wordsFor(
  machine: SideMachine,
  name: string,
  message: Message | undefined,
  isOfServer: boolean,
): string | undefined {
  const isVector = UPDATES.has(name);
  switch (machine) {
    case "client":
    case "session":
      if (name === "Error") return errorWords(message);
      if (name === "MaskedUpdate") return "update";
      if (isVector) return isOfServer ? "parameters" : "update";
      return MEMBERS.has(name) ? undefined : name;
    case "client's evaluation":
    case "session's evaluation":
      return name === "EvaluateParams" ? name : undefined;
    case "client's member":
    case "session's member":
      if (name === "Error") return isOfServer ? undefined : errorWords(message);
      return MEMBERS.has(name) ? name : undefined;
    case "client's parameters":
      if (name === "Ready") return readyWords(message);
      return isOfServer && (isVector || name === "EvaluateParams") ? formOf(message) : undefined;
    case "session's updates":
      return !isOfServer && (isVector || name === "MaskedUpdate") ? name : undefined;
  }
}

function errorWords(message: Message | undefined): string {
  if (message?.code !== 8) return "Error";
  const { fault, fatal } = message.payload;
  return fatal ? "fatal Error" : fault === "cannot-train" ? "cannot-train" : "Error";
}

function readyWords(message: Message | undefined): string | undefined {
  return message?.code === 9 && message.payload.base !== undefined ? "what it holds" : undefined;
}

/** Form of the server's parameters. */
function formOf(message: Message | undefined): string | undefined {
  if (message?.code !== 2 && message?.code !== 3 && message?.code !== 22) return undefined;
  const end = message.code === 3 ? " to evaluate" : "";
  if (message.code === 2 || !("codec" in message.payload)) return `whole parameters${end}`;
  return `${message.payload.base === undefined ? "encoded parameters" : "a difference"}${end}`;
}
