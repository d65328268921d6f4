import type { FederationPlan } from "../../federation/plan.ts";
import { each, type Machine, stays } from "../machine.ts";

/** Ways in which a session ends that nobody has taken leave of. */
export const SESSION_ENDS = ["is killed", "is cut off", "client closes", "closes"] as const;
/** Those of them that meet a server in a state in which it acts at once. */
const SUDDEN_ENDS = ["is killed", "is cut off", "client closes"] as const;

const HEARTBEATS = ["sends Heartbeat", "gets Heartbeat"] as const;
const isAsync = ({ isAsync }: FederationPlan) => isAsync;
const isMasked = ({ isMasked }: FederationPlan) => isMasked;
const hasMistake = ({ mistake }: FederationPlan) => mistake !== undefined;
const hasProof = ({ proof }: FederationPlan) => proof !== "none";

/** Session of a server with one client, from the connection to its end. */
export const SESSION: Machine = {
  name: "session",
  start: "accepted",
  quiet: [
    "sends EvaluateParams",
    "gets EvaluateParams",
    "gets fatal Error",
    // What the last connection of the client has brought, or was on its way at the end.
    "accepts",
    "gets Exit",
    "gets update",
    "gets ParameterRequest",
    "sends Error",
    "sends IdAssignment",
    "sends Challenge",
    ...SESSION_ENDS,
    ...HEARTBEATS,
  ],
  parts: [{
    section: "The life of a connection",
    rows: [
      ["accepted", "gets Registration", "registering"],
      ["registering", "sends IdAssignment", "assigned"],
      ["assigned", "gets Ready", "waiting"],
      ["waiting", "sends parameters", "asked"],
      ["asked", "gets update", "answered"],
      ["answered", "accepts", "waiting"],
      ...each(
        ["registering", "assigned", "waiting", "asked", "answered"],
        ["sends Exit"],
        "leaving",
      ),
      ["leaving", "gets Exit", "left"],
    ],
  }, {
    section: "Joining",
    rows: [
      ["registering", "sends fatal Error", "refused"],
      ...each(["refused"], ["client closes", "closes"], "gone"),
    ],
  }, {
    section: "Joining",
    needs: hasMistake,
    rows: [["assigned", "gets fatal Error", "left"]],
  }, {
    section: "Authentication",
    needs: hasProof,
    rows: [
      ["registering", "sends Challenge", "challenged"],
      ["challenged", "gets Proof", "proven"],
      ["proven", "sends IdAssignment", "assigned"],
      ["proven", "sends fatal Error", "refused"],
      ...each(["challenged", "proven"], ["sends Exit"], "leaving"),
      ...stays(["proven"], HEARTBEATS),
      ...each(["challenged"], SESSION_ENDS, "gone"),
      ...each(["proven"], SUDDEN_ENDS, "gone"),
    ],
  }, {
    section: "Rounds",
    rows: [
      ["asked", "sends parameters", "asked"],
      ["waiting", "gets update", "answered"],
      ["waiting", "sends Error", "waiting"],
      ["asked", "sends Error", "asked"],
      ["answered", "sends Error", "waiting"],
    ],
  }, {
    section: "Heartbeats",
    rows: [
      ["registering", "gets Heartbeat", "registering"],
      ...stays(["waiting", "asked", "answered"], HEARTBEATS),
    ],
  }, {
    section: "Leaving",
    rows: each(
      ["registering", "assigned", "waiting", "asked", "answered"],
      ["gets Exit"],
      "left",
    ),
  }, {
    section: "Closing",
    rows: each(["leaving", "left"], SESSION_ENDS, "gone"),
  }, {
    section: "Reconnecting",
    rows: [
      ...each(["registering"], SUDDEN_ENDS, "gone"),
      ...each(["accepted", "assigned", "waiting", "asked", "answered"], SESSION_ENDS, "gone"),
    ],
  }, {
    section: "Asynchronous mode",
    needs: isAsync,
    rows: [
      ["waiting", "gets ParameterRequest", "free"],
      ["free", "sends parameters", "asked"],
      ["free", "sends Exit", "leaving"],
      ["free", "gets Exit", "left"],
      ["free", "sends Error", "free"],
      ["asked", "gets ParameterRequest", "free"],
      ["answered", "gets ParameterRequest", "answered, free"],
      ["answered, free", "accepts", "free"],
      ["answered, free", "sends Error", "free"],
      ["answered, free", "sends Exit", "leaving"],
      ...stays(["free"], HEARTBEATS),
      ...each(["free"], SESSION_ENDS, "gone"),
    ],
  }, {
    section: "Secure aggregation",
    needs: isMasked,
    rows: [
      ["asked", "gets cannot-train", "waiting"],
      ["waiting", "gets cannot-train", "waiting"],
    ],
  }],
};
