import type { Tracer } from "../../base/tracer.ts";

/** Makes one observer of several, those that are there; `undefined` of none. */
export function allTracers(...tracers: (Tracer | undefined)[]): Tracer | undefined {
  const all = tracers.filter((tracer) => tracer !== undefined);
  if (all.length < 2) return all[0];
  return {
    begin(step) {
      const ends = all.map((tracer) => tracer.begin(step));
      return (error) => {
        for (const end of ends) end(error);
      };
    },
    get context() {
      return all.map(({ context }) => context).find((context) => context !== undefined);
    },
  };
}
