import { each, type Machine } from "../machine.ts";

/** Run of a server, over all its starts. */
export const ROUNDS: Machine = {
  name: "server",
  start: "down",
  parts: [{
    section: "Rounds",
    rows: [
      ["down", "starts anew", "gathering"],
      ["gathering", "begins a round", "training"],
      ["gathering", "finishes", "over"],
      ["gathering", "ends a round", "between"],
      ["gathering", "ends a round with a refusal", "between"],
      ["training", "ends a round", "between"],
      ["training", "ends a round without some", "between"],
      ["training", "ends a round with a refusal", "between"],
      ["between", "begins a round", "training"],
      ["training", "tries a round again", "retrying"],
      ["retrying", "begins a round", "training"],
    ],
  }, {
    section: "Reconnecting",
    rows: [
      ["down", "goes on from a checkpoint", "gathering"],
      ["down", "ends", "down"],
      ...each(
        ["gathering", "training", "retrying", "between", "stopped"],
        ["ends"],
        "down",
      ),
    ],
  }, {
    section: "Leaving",
    rows: [
      ["between", "finishes", "over"],
      ["over", "ends", "down"],
      ...each(["gathering", "training", "retrying", "between"], ["stops"], "stopped"),
    ],
  }],
};

/** Checkpoints of a server. */
export const SAVES: Machine = {
  name: "checkpoints",
  start: "none",
  // A disk that lies about what it has kept, or cannot be read, makes a server start anew.
  quiet: ["ends", "starts anew"],
  parts: [{
    section: "Reconnecting",
    rows: [
      ["none", "saves", "saved"],
      ["saved", "saves", "saved"],
      ["none", "cannot save", "behind"],
      ["saved", "cannot save", "behind"],
      ["behind", "cannot save", "behind"],
      ["behind", "saves", "saved"],
      ["saved", "goes on from a checkpoint", "saved"],
      ["behind", "goes on from a checkpoint", "saved"],
    ],
  }],
};
