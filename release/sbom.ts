import config from "../deno.json" with { type: "json" };
import assert from "../links/assert/deno.json" with { type: "json" };
import log from "../links/log/deno.json" with { type: "json" };
import { ROOT } from "./deno_command.ts";
import { type Graph, graphOf, type NpmPackage } from "./graph.ts";

/** Part of a bill of materials, as CycloneDX has it. */
interface Component {
  readonly type: "library";
  readonly "bom-ref": string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly (
    | { readonly license: { readonly id: string } }
    | { readonly expression: string }
  )[];
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

/** Module of the dashboard's page, which is embedded with its packages. */
const PAGE = "./src/dashboard/page/main.tsx";

/** Libraries of JSR, which are no packages of npm. */
const OF_JSR: readonly Component[] = [assert, log].map(({ name, version }) => ({
  type: "library",
  "bom-ref": `jsr:${name}@${version}`,
  ...{ name, version, licenses: [{ license: { id: "MIT" } }] },
}));

/** Lock file, as far as it is read. */
interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity?: string }>>;
}

/** Bill of materials in the format CycloneDX 1.6. */
export interface Sbom {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * Lists the packages that the modules of this one import, with the hashes of `deno.lock` and the
 * licenses that they declare. It has no date and no random number: the same sources have the same.
 */
export async function sbomOf(): Promise<Sbom> {
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const { modules, npmPackages } = await graphOf([...Object.values(config.exports), PAGE]);
  const direct = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  // The graph has the packages of the lock file too that other modules need, such as tests.
  const all = withNeeded(direct, npmPackages);
  const packages = Object.entries(npmPackages).filter(([key]) => all.has(key))
    .sort(([a], [b]) => a < b ? -1 : 1);
  const own = componentOf(config.name, config.version, [config.license]);
  const components = await Promise.all(packages.map(async ([key, { name, version, localPath }]) => {
    const licenses = await licenseIn(localPath);
    return componentOf(name, version, licenses, hashOf(key, lock));
  }));
  const refs = new Map(packages.map(([key, found]) => [key, purlOf(found)]));
  const refsOf = (keys: Iterable<string>) =>
    [...new Set([...keys].flatMap((key) => refs.get(key) ?? []))].sort();
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: own },
    components: [...components, ...OF_JSR],
    dependencies: [
      {
        ref: own["bom-ref"],
        dependsOn: [...refsOf(direct), ...OF_JSR.map((one) => one["bom-ref"])],
      },
      ...OF_JSR.map((one) => ({ ref: one["bom-ref"], dependsOn: [] })),
      ...packages.map(([, found]) => ({
        ref: purlOf(found),
        dependsOn: refsOf(found.dependencies),
      })),
    ],
  };
}

/** Returns packages with those that they need, themselves or by others. */
function withNeeded(direct: Iterable<string>, packages: Graph["npmPackages"]): Set<string> {
  const all = new Set(direct);
  // A set that grows while it is read is read to its new end.
  for (const key of all) packages[key]?.dependencies.forEach((one) => all.add(one));
  return all;
}

function componentOf(
  fullName: string,
  version: string,
  licenses: readonly string[],
  hash?: string,
): Component {
  const purl = purlOf({ name: fullName, version });
  const [group, name] = fullName.startsWith("@") ? fullName.split("/") : [undefined, fullName];
  return {
    type: "library",
    "bom-ref": purl,
    ...(group !== undefined && { group }),
    name: name ?? fullName,
    version,
    purl,
    ...(licenses.length > 0 && {
      licenses: licenses.map((text) =>
        /[ ()]/.test(text) ? { expression: text } : { license: { id: text } }
      ),
    }),
    ...(hash !== undefined && { hashes: [{ alg: "SHA-512" as const, content: hash }] }),
  };
}

/** Returns the address of a package, whose form is that of purl. */
function purlOf({ name, version }: Pick<NpmPackage, "name" | "version">): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Returns the SHA-512 of a package's tarball in hexadecimal, which the lock file has. */
function hashOf(key: string, { npm }: Lock): string | undefined {
  const [, base64] = /^sha512-(.+)$/.exec(npm[key]?.integrity ?? "") ?? [];
  return base64 === undefined ? undefined : Uint8Array.fromBase64(base64).toHex();
}

/** Reads the license that a package declares; none for one that is not on this machine. */
async function licenseIn(folder: string | undefined): Promise<string[]> {
  try {
    const { license } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    return typeof license === "string" ? [license] : [];
  } catch {
    return [];
  }
}
