import config from "../../deno.json" with { type: "json" };

/** Package of npm that a specifier names. */
export interface NpmSpecifier {
  readonly name: string;
  readonly version: string;
  /** How a program of Node imports it: `"cbor-x/encode"`. */
  readonly bare: string;
}

/** Reads `npm:name@version/path`; `undefined` for another specifier. */
export function parseNpm(specifier: string): NpmSpecifier | undefined {
  const [, name, version, path = ""] =
    /^npm:((?:@[^/]+\/)?[^@/]+)@([^/]+)(\/.*)?$/.exec(specifier) ?? [];
  return name === undefined || version === undefined
    ? undefined
    : { name, version, bare: `${name}${path}` };
}

/** Returns the module that replaces a library of JSR, which npm does not have. */
export function moduleOf(specifier: string): string | undefined {
  const [, name] = /^jsr:@std\/([a-z]+)@/.exec(specifier) ?? [];
  const link = config.links.find((link) => link.endsWith(`/${name}`));
  return link && new URL(`../../${link}/mod.ts`, import.meta.url).pathname;
}
