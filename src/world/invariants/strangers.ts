import type { Invariant } from "./invariant.ts";

/** A newcomer whose options do not suit the run becomes no member of it. */
export const strangersStayOut: Invariant = {
  name: "a newcomer with a mistake stays out",
  breaches({ federation: { history, plan: { mistake } } }) {
    return history.of("admitted").filter(({ address }) => address.startsWith("world stranger:"))
      .map(({ rank }) => `a newcomer was admitted as rank ${rank}, with the mistake: ${mistake}`);
  },
};
