import { type Machine, stays } from "../machine.ts";
import type { FederationPlan } from "../../federation/plan.ts";
import type { Mistake } from "../../federation/mistakes.ts";

/** Returns a function that tells whether a newcomer of a federation has one of some mistakes. */
function by(...mistakes: readonly Mistake[]): (plan: FederationPlan) => boolean {
  return ({ mistake }) => mistake !== undefined && mistakes.includes(mistake);
}

/** Faults that a server tells a client of. */
export const SERVER_REFUSALS: Machine = {
  name: "refusals of the server",
  start: "any",
  parts: [{
    section: "Rounds",
    rows: stays(["any"], ["wrong-round", "duplicate-update", "not-in-cohort"]),
  }, {
    section: "Faults",
    rows: stays(["any"], ["rank-taken", "group-full"]),
  }, {
    section: "Faults",
    needs: by("a rank above all"),
    rows: stays(["any"], ["rank-out-of-range"]),
  }, {
    section: "Faults",
    needs: by("another world size"),
    rows: stays(["any"], ["world-size-mismatch"]),
  }, {
    section: "Authentication",
    needs: by("wrong token", "no proof"),
    rows: stays(["any"], ["not-authorized"]),
  }],
};

/** Faults that a client tells a server of. */
export const CLIENT_REFUSALS: Machine = {
  name: "refusals of the client",
  start: "any",
  parts: [{
    section: "Secure aggregation",
    needs: ({ isMasked }) => isMasked,
    rows: stays(["any"], ["cannot-train"]),
  }, {
    section: "Faults",
    rows: stays(["any"], ["group-full", "rank-taken"]),
  }, {
    section: "Authentication",
    needs: by("no proof"),
    rows: stays(["any"], ["not-authorized"]),
  }, {
    section: "Joining",
    needs: by("another model"),
    rows: stays(["any"], ["manifest-mismatch"]),
  }, {
    section: "Faults",
    needs: by("another mode"),
    rows: stays(["any"], ["mode-mismatch"]),
  }, {
    section: "Faults",
    needs: by("secure aggregation"),
    rows: stays(["any"], ["secure-mismatch"]),
  }, {
    section: "Faults",
    needs: by("privacy"),
    rows: stays(["any"], ["privacy-mismatch"]),
  }],
};
