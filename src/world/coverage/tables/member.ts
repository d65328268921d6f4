import type { FederationPlan } from "../../federation/plan.ts";
import { each, type Machine } from "../machine.ts";
import { CLIENT_ENDS, SUDDEN_CLIENT_ENDS } from "./client.ts";
import { SESSION_ENDS } from "./session.ts";

const needs = ({ isMasked }: FederationPlan) => isMasked;
const isSigned = ({ isMasked, isSigned }: FederationPlan) => isMasked && isSigned === true;

/** States of a client between the first message of a round and its shares, in which it waits. */
const WAITING = ["keys", "boxes", "shared", "masked"];
/** Those in which it answers at once. */
const ANSWERING = ["asked for keys", "asked for boxes", "asked for shares"];
/** All of them, as the server sees them. */
const SESSION_STAGES = [
  "asked for keys",
  "keys",
  "asked for boxes",
  "boxes",
  "asked for update",
  "masked",
  "asked for shares",
];

/** Client as a member of secure aggregation, on one connection. */
export const CLIENT_MEMBER: Machine = {
  name: "client's member",
  start: "none",
  quiet: [...CLIENT_ENDS, "sends fatal Error"],
  parts: [{
    section: "Secure aggregation",
    needs,
    rows: [
      ["none", "gets SecureKeys", "asked for keys"],
      ["asked for keys", "sends SecureKeys", "keys"],
      ["keys", "gets SecureMembers", "asked for boxes"],
      ["asked for boxes", "sends SecureShares", "boxes"],
      ["boxes", "gets SecureShares", "shared"],
      ["shared", "sends MaskedUpdate", "masked"],
      ["masked", "sends MaskedUpdate", "masked"],
      ["masked", "gets SecureShares", "shared"],
      ["masked", "gets UnmaskRequest", "asked for shares"],
      ["asked for shares", "sends UnmaskShares", "revealed"],
      ["revealed", "gets SecureKeys", "asked for keys"],
      ...each(
        ["keys", "asked for boxes", "boxes", "shared", "masked", "asked for shares"],
        ["gets SecureKeys"],
        "asked for keys",
      ),
      ["none", "gets SecureMembers", "asked for boxes"],
      ["none", "gets SecureShares", "shared"],
      ["none", "gets UnmaskRequest", "asked for shares"],
      ["none", "sends MaskedUpdate", "masked"],
    ],
  }, {
    section: "Secure aggregation",
    needs: isSigned,
    rows: [
      ["masked", "gets SurvivorList", "asked for a vote"],
      ["none", "gets SurvivorList", "asked for a vote"],
      ["asked for a vote", "sends SurvivorVote", "voted"],
      ["voted", "gets UnmaskRequest", "asked for shares"],
      ...each(["asked for a vote", "voted"], ["gets SecureKeys"], "asked for keys"),
      ...each(["asked for a vote"], SUDDEN_CLIENT_ENDS, "none"),
      ...each(["voted"], CLIENT_ENDS, "none"),
      ["asked for a vote", "sends cannot-train", "none"],
    ],
  }, {
    section: "Refusals of a client",
    needs,
    rows: [
      ...each(
        ["asked for keys", "asked for boxes", "shared", "asked for shares"],
        ["sends cannot-train"],
        "none",
      ),
    ],
  }, {
    section: "Reconnecting",
    needs,
    rows: [
      ...each(WAITING, CLIENT_ENDS, "none"),
      ...each(ANSWERING, SUDDEN_CLIENT_ENDS, "none"),
    ],
  }],
};

/** Member of secure aggregation, as the server sees it on one connection. */
export const SESSION_MEMBER: Machine = {
  name: "session's member",
  start: "none",
  quiet: [...SESSION_ENDS, "gets fatal Error"],
  parts: [{
    section: "Secure aggregation",
    needs,
    rows: [
      ["none", "sends SecureKeys", "asked for keys"],
      ["asked for keys", "gets SecureKeys", "keys"],
      ["keys", "sends SecureMembers", "asked for boxes"],
      ["asked for boxes", "gets SecureShares", "boxes"],
      ["boxes", "sends SecureShares", "asked for update"],
      ["asked for update", "gets MaskedUpdate", "masked"],
      ["masked", "gets MaskedUpdate", "masked"],
      ["masked", "sends UnmaskRequest", "asked for shares"],
      ["asked for shares", "gets UnmaskShares", "revealed"],
      ["revealed", "sends SecureKeys", "asked for keys"],
      ...each(
        [
          "asked for keys",
          "keys",
          "asked for boxes",
          "boxes",
          "asked for update",
          "masked",
          "asked for shares",
        ],
        ["sends SecureKeys"],
        "asked for keys",
      ),
      ["none", "sends SecureMembers", "asked for boxes"],
      ["none", "sends SecureShares", "asked for update"],
      ["none", "sends UnmaskRequest", "asked for shares"],
    ],
  }, {
    section: "Secure aggregation",
    needs: isSigned,
    rows: [
      ["masked", "sends SurvivorList", "asked for a vote"],
      ["none", "sends SurvivorList", "asked for a vote"],
      ["asked for a vote", "gets SurvivorVote", "voted"],
      ["voted", "sends UnmaskRequest", "asked for shares"],
      ...each(["asked for a vote", "voted"], ["sends SecureKeys"], "asked for keys"),
      ...each(["asked for a vote", "voted"], SESSION_ENDS, "none"),
      ["asked for a vote", "gets cannot-train", "none"],
    ],
  }, {
    section: "Refusals of a client",
    needs,
    rows: each(
      ["asked for keys", "asked for boxes", "asked for update", "asked for shares"],
      ["gets cannot-train"],
      "none",
    ),
  }, {
    section: "Reconnecting",
    needs,
    rows: each(SESSION_STAGES, SESSION_ENDS, "none"),
  }],
};
