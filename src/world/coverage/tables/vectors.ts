import type { FederationPlan } from "../../federation/plan.ts";
import { type Machine, stays } from "../machine.ts";

const isCoded = ({ downlink }: FederationPlan) => downlink?.includes("delta") === false;
const isDelta = ({ downlink }: FederationPlan) => downlink?.includes("delta") === true;

/** Encoded parameters that a client has, by which a server may send differences. */
export const PARAMETERS: Machine = {
  name: "client's parameters",
  start: "nothing",
  quiet: ["is killed", "is cut off", "server closes", "closes"],
  parts: [{
    section: "2 ParameterUpdate",
    rows: [["nothing", "gets whole parameters", "nothing"]],
  }, {
    section: "3 EvaluateParams",
    needs: ({ evaluates }) => evaluates === "clients",
    rows: [["nothing", "gets whole parameters to evaluate", "nothing"]],
  }, {
    section: "22 CompressedUpdate",
    needs: (plan) => isCoded(plan) || isDelta(plan),
    rows: [
      ["nothing", "gets encoded parameters", "version"],
      ["version", "gets encoded parameters", "version"],
      ["nothing", "gets encoded parameters to evaluate", "version"],
      ["version", "gets encoded parameters to evaluate", "version"],
    ],
  }, {
    section: "Differences of parameters",
    needs: isDelta,
    rows: [
      ...stays(["version"], ["gets a difference", "gets a difference to evaluate"]),
      ["nothing", "sends what it holds", "claimed version"],
      ["claimed version", "gets a difference", "version"],
      ["claimed version", "gets a difference to evaluate", "version"],
      ["claimed version", "gets encoded parameters", "version"],
      ["claimed version", "gets encoded parameters to evaluate", "version"],
    ],
  }],
};

/** Forms of the updates that come to a server. */
export const UPDATES: Machine = {
  name: "session's updates",
  start: "any",
  quiet: ["is killed", "is cut off", "client closes", "closes"],
  parts: [
    { section: "2 ParameterUpdate", rows: stays(["any"], ["gets ParameterUpdate"]) },
    {
      section: "1 GradientUpdate",
      needs: ({ strategy }) => strategy === "fedsgd",
      rows: stays(["any"], ["gets GradientUpdate"]),
    },
    {
      section: "22 CompressedUpdate",
      needs: ({ uplink }) => uplink !== undefined,
      rows: stays(["any"], ["gets CompressedUpdate"]),
    },
    {
      section: "27 MaskedUpdate",
      needs: ({ isMasked }) => isMasked,
      rows: stays(["any"], ["gets MaskedUpdate"]),
    },
  ],
};
