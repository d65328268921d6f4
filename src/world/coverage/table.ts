import type { Machine } from "./machine.ts";
import { CLIENT } from "./tables/client.ts";
import { CLIENT_EVALUATION, SESSION_EVALUATION } from "./tables/evaluation.ts";
import { CLIENT_MEMBER, SESSION_MEMBER } from "./tables/member.ts";
import { RANKS } from "./tables/ranks.ts";
import { CLIENT_REFUSALS, SERVER_REFUSALS } from "./tables/refusals.ts";
import { ROUNDS, SAVES } from "./tables/rounds.ts";
import { SESSION } from "./tables/session.ts";
import { PARAMETERS, UPDATES } from "./tables/vectors.ts";

/** Machines of the protocol, which together are the table of its states and transitions. */
export const MACHINES: readonly Machine[] = [
  CLIENT,
  CLIENT_EVALUATION,
  CLIENT_MEMBER,
  PARAMETERS,
  SESSION,
  SESSION_EVALUATION,
  SESSION_MEMBER,
  UPDATES,
  RANKS,
  ROUNDS,
  SAVES,
  SERVER_REFUSALS,
  CLIENT_REFUSALS,
];
