import { type Machine, stays } from "../machine.ts";

/** Faults that a server tells a client of. */
export const SERVER_REFUSALS: Machine = {
  name: "refusals of the server",
  start: "any",
  parts: [{
    section: "Faults",
    rows: stays(["any"], [
      "wrong-round",
      "rank-taken",
      "group-full",
      "duplicate-update",
      "not-in-cohort",
    ]),
  }],
};

/** Faults that a client tells a server of. */
export const CLIENT_REFUSALS: Machine = {
  name: "refusals of the client",
  start: "any",
  parts: [{
    section: "Faults",
    rows: stays(["any"], ["cannot-train", "group-full", "rank-taken", "handler-failed"]),
  }],
};
