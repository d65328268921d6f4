import config from "../../deno.json" with { type: "json" };

/** Rooms that need Deno, and what each needs it for. */
export const DENO_ONLY: Readonly<Record<string, string>> = {
  "./cli": "the command line reads arguments, signals and permissions of Deno",
  "./cluster": "the workers of a cluster are processes of Deno",
  "./dashboard": "its page is served by Deno.serve",
  "./notebook": "views for the Jupyter kernel of Deno",
  "./telemetry": "the exporter is built into Deno",
  "./testing": "the suites register tests of Deno",
  "./worker": "topologies in workers of Deno",
};

/** Entry points of the npm form: `"./data"` with the path of its module. */
export const ENTRIES: readonly (readonly [name: string, path: string])[] = Object
  .entries(config.exports).filter(([name]) => !Object.hasOwn(DENO_ONLY, name));

/** Name of an entry point's file, without its extension. */
export function fileOf(name: string): string {
  return name === "." ? "index" : name.slice(2);
}
