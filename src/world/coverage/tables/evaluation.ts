import type { FederationPlan } from "../../federation/plan.ts";
import { each, type Machine } from "../machine.ts";
import { CLIENT_ENDS, SUDDEN_CLIENT_ENDS } from "./client.ts";
import { SESSION_ENDS } from "./session.ts";

const needs = ({ evaluates, isMasked }: FederationPlan) => evaluates === "clients" && !isMasked;

/** Evaluation of a round at a client. */
export const CLIENT_EVALUATION: Machine = {
  name: "client's evaluation",
  start: "idle",
  quiet: CLIENT_ENDS,
  parts: [{
    section: "The life of a connection",
    needs,
    rows: [
      ["idle", "gets EvaluateParams", "evaluating"],
      ["evaluating", "sends EvaluateParams", "idle"],
    ],
  }, {
    section: "Reconnecting",
    needs,
    rows: each(["evaluating"], SUDDEN_CLIENT_ENDS, "idle"),
  }],
};

/** Evaluation of a round, as the server sees it. */
export const SESSION_EVALUATION: Machine = {
  name: "session's evaluation",
  start: "idle",
  quiet: SESSION_ENDS,
  parts: [{
    section: "The life of a connection",
    needs,
    rows: [
      ["idle", "sends EvaluateParams", "evaluating"],
      ["evaluating", "gets EvaluateParams", "idle"],
    ],
  }, {
    section: "Reconnecting",
    needs,
    rows: each(["evaluating"], SESSION_ENDS, "idle"),
  }],
};
