import { each, type Machine } from "../machine.ts";

/** Rank at the server, over all connections of its client and all starts of the server. */
export const RANKS: Machine = {
  name: "rank",
  start: "free",
  quiet: ["server ends"],
  parts: [{
    section: "Joining",
    rows: [
      ["free", "joins", "joined"],
      ["free", "comes back by its token", "joined"],
      ["free", "goes away", "away"],
      ["free", "is given up", "free"],
      ["joined", "goes away", "away"],
      ["away", "goes away", "away"],
      ["unknown", "goes away", "away"],
      ["joined", "is given up", "free"],
      ["away", "is given up", "free"],
    ],
  }, {
    section: "Reconnecting",
    rows: [
      ["away", "comes back by its token", "joined"],
      ["away", "joins anew", "joined"],
      ["joined", "comes back by its token", "joined"],
      ...each(["joined", "away"], ["server ends"], "unknown"),
      ["unknown", "comes back by its token", "joined"],
      ["unknown", "joins anew", "joined"],
    ],
  }],
};
