import { runtime, type Timers } from "./runtime.ts";

/**
 * Returns a function that gives the state of the runtime in use, which is created when it is first
 * asked for. State of a process is kept in this way, since simulated processes share a thread and
 * each have a runtime of their own.
 */
export function ofRuntime<State>(create: () => State): () => State {
  const states = new WeakMap<Timers, State>();
  let owner: Timers | undefined;
  let latest: State;
  return () => {
    const { timers } = runtime;
    if (timers === owner) return latest;
    latest = states.get(timers) ?? create();
    states.set(timers, latest);
    owner = timers;
    return latest;
  };
}
