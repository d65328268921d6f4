import { DEFAULT_TIMEOUTS, MOST_HEARTBEAT_SECONDS } from "../../net/timeouts.ts";
import { option } from "./option.ts";
import { real } from "./values.ts";

/** Seconds of a time-out; timers count at most 2^31 milliseconds. */
const seconds = real({ above: 0, below: 2_000_000 });

/** Options about time-outs. */
export const TIMEOUTS = {
  joinSeconds: option(seconds, {
    unit: "seconds",
    help: "longest wait for the clients to join",
    group: "Time-outs",
    default: DEFAULT_TIMEOUTS.joinSeconds,
    commands: {
      ...{ demo: {}, server: {}, stats: {} },
      client: { help: "longest wait for the server to answer" },
    },
    onResume: "any",
    library: { timeouts: (joinSeconds) => ({ joinSeconds }) },
  }),
  roundSeconds: option(seconds, {
    unit: "seconds",
    help: "longest wait for the updates of a round",
    group: "Time-outs",
    default: DEFAULT_TIMEOUTS.roundSeconds,
    commands: { demo: {}, server: {}, stats: {} },
    onResume: "any",
    library: { timeouts: (roundSeconds) => ({ roundSeconds }) },
  }),
  heartbeatSeconds: option(real({ above: 0, most: MOST_HEARTBEAT_SECONDS }), {
    unit: "seconds",
    help: "interval of the heartbeats on an idle connection",
    group: "Time-outs",
    default: DEFAULT_TIMEOUTS.heartbeatSeconds,
    isRare: true,
    commands: { server: {}, client: {}, stats: {} },
    onResume: "any",
    library: { timeouts: (heartbeatSeconds) => ({ heartbeatSeconds }) },
  }),
  drainSeconds: option(seconds, {
    unit: "seconds",
    help: "longest wait at the end of a run for the other side to close its connection",
    group: "Time-outs",
    default: DEFAULT_TIMEOUTS.drainSeconds,
    isRare: true,
    commands: { server: {}, client: {}, stats: {} },
    onResume: "any",
    library: { timeouts: (drainSeconds) => ({ drainSeconds }) },
  }),
  idleSeconds: option(seconds, {
    unit: "seconds",
    help: "longest wait for the run to make progress",
    group: "Time-outs",
    default: DEFAULT_TIMEOUTS.idleSeconds,
    isRare: true,
    commands: { client: {} },
    library: { timeouts: (idleSeconds) => ({ idleSeconds }) },
  }),
};
