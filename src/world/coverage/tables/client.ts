import type { FederationPlan } from "../../federation/plan.ts";
import { each, type Machine, stays } from "../machine.ts";

/** Ways in which a connection ends that nobody has taken leave of, for a client. */
export const CLIENT_ENDS = ["is killed", "is cut off", "server closes", "closes"] as const;
/** Those of them that meet a client in a state in which it acts at once. */
export const SUDDEN_CLIENT_ENDS = ["is killed", "is cut off", "server closes"] as const;

const HEARTBEATS = ["sends Heartbeat", "gets Heartbeat"] as const;
const isAsync = ({ isAsync }: FederationPlan) => isAsync;
const isMasked = ({ isMasked }: FederationPlan) => isMasked;
const hasMistake = ({ mistake }: FederationPlan) => mistake !== undefined;
const hasProof = ({ proof }: FederationPlan) => proof !== "none";

/** Client on one connection, from the connection to its end. */
export const CLIENT: Machine = {
  name: "client",
  start: "connected",
  quiet: [
    "gets EvaluateParams",
    "sends EvaluateParams",
    "sends fatal Error",
    // They were on their way when one side took its leave.
    "gets IdAssignment",
    "gets parameters",
    "gets Challenge",
    "gets Error",
    "is cut off",
    ...HEARTBEATS,
  ],
  parts: [{
    section: "The life of a connection",
    rows: [
      ["connected", "sends Registration", "registering"],
      ["registering", "gets IdAssignment", "building"],
      ["building", "sends Ready", "waiting"],
      ["waiting", "gets parameters", "training"],
      ["training", "sends update", "waiting"],
      ["training", "gets parameters", "training"],
      ...each(["registering", "building", "waiting", "training"], ["gets Exit"], "leaving"),
      ["leaving", "sends Exit", "left"],
    ],
  }, {
    section: "Joining",
    rows: [
      ["registering", "gets fatal Error", "refused"],
      ...each(["refused"], ["closes", "server closes"], "gone"),
    ],
  }, {
    section: "Joining",
    needs: hasMistake,
    rows: [["building", "sends fatal Error", "refused"]],
  }, {
    section: "Authentication",
    needs: hasProof,
    rows: [
      ["registering", "gets Challenge", "challenged"],
      ["challenged", "sends Proof", "proving"],
      ["proving", "gets IdAssignment", "building"],
      ["proving", "gets fatal Error", "refused"],
      ...each(["challenged", "proving"], ["gets Exit"], "leaving"),
      ...each(["challenged", "proving"], ["sends Exit"], "left"),
      ...stays(["proving"], HEARTBEATS),
      ...each(["challenged"], SUDDEN_CLIENT_ENDS, "gone"),
      ...each(["proving"], CLIENT_ENDS, "gone"),
    ],
  }, {
    section: "Rounds",
    rows: [
      ["waiting", "sends update", "waiting"],
      ["waiting", "gets Error", "waiting"],
      ["training", "gets Error", "training"],
      ["training", "gets EvaluateParams", "waiting"],
    ],
  }, {
    section: "Heartbeats",
    rows: [
      ["registering", "sends Heartbeat", "registering"],
      ...stays(["waiting", "training"], HEARTBEATS),
    ],
  }, {
    section: "Leaving",
    rows: each(["registering", "building", "waiting", "training"], ["sends Exit"], "left"),
  }, {
    section: "Closing",
    rows: [
      ...each(["leaving"], SUDDEN_CLIENT_ENDS, "gone"),
      ...each(["left"], CLIENT_ENDS, "gone"),
    ],
  }, {
    section: "Reconnecting",
    rows: [
      ...each(["building"], SUDDEN_CLIENT_ENDS, "gone"),
      ...each(["registering", "waiting", "training"], CLIENT_ENDS, "gone"),
    ],
  }, {
    section: "Asynchronous mode",
    needs: isAsync,
    rows: [
      ["waiting", "sends ParameterRequest", "free"],
      ["free", "gets parameters", "training"],
      ["free", "gets Exit", "leaving"],
      ["free", "sends Exit", "left"],
      ["free", "gets Error", "free"],
      ...stays(["free"], HEARTBEATS),
      ...each(["free"], CLIENT_ENDS, "gone"),
    ],
  }, {
    section: "Secure aggregation",
    needs: isMasked,
    rows: [
      ["training", "sends cannot-train", "waiting"],
      ["waiting", "sends cannot-train", "waiting"],
    ],
  }],
};
