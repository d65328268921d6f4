import config from "../../deno.json" with { type: "json" };
import { ENTRIES, fileOf } from "./entries.ts";

/** Packages that only some programs need, which install them themselves. */
const OPTIONAL = /^@tensorflow\//;

/**
 * Describes the package for npm.
 *
 * @param versions Versions of the packages that its modules import.
 * @param hasTypes Set if there are declarations.
 */
export function packageJson(
  versions: ReadonlyMap<string, string>,
  { hasTypes }: { hasTypes: boolean },
): Record<string, unknown> {
  const sorted = [...versions].sort(([a], [b]) => a < b ? -1 : 1);
  const optional = sorted.filter(([name]) => OPTIONAL.test(name));
  return {
    name: config.name,
    version: config.version,
    description: "Federated learning with a server and clients that keep their data",
    license: config.license,
    type: "module",
    engines: { node: ">=20" },
    exports: Object.fromEntries(ENTRIES.map(([name, path]) => [name, {
      ...(hasTypes && { types: `./types/${path.slice(2).replace(/\.ts$/, ".d.ts")}` }),
      default: `./${fileOf(name)}.js`,
    }])),
    dependencies: Object.fromEntries(sorted.filter(([name]) => !OPTIONAL.test(name))),
    peerDependencies: Object.fromEntries(optional),
    peerDependenciesMeta: Object.fromEntries(
      optional.map(([name]) => [name, { optional: true }]),
    ),
  };
}
