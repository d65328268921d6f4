/**
 * Builds the package for npm into a folder.
 *
 *     deno task build:npm [--test]
 *
 * @module
 */

import { ROOT } from "../deno_command.ts";
import { stop } from "../deps.ts";
import { bundleEntries } from "./bundle.ts";
import { packageJson } from "./manifest.ts";

/** Folder of the package. */
const DEFAULT_FOLDER = `${ROOT}dist/npm`;

/** Files of the checkout that are part of the package. */
const FILES = ["LICENSE", "CHANGELOG.md"];

/**
 * Builds the package.
 *
 * @param hasTypes Set if it has declarations, which take a while.
 */
export async function buildNpm(
  folder: string,
  { hasTypes = true }: { hasTypes?: boolean } = {},
): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const versions = await bundleEntries(folder);
  if (hasTypes) {
    const { writeDeclarations } = await import("./declarations.ts");
    await writeDeclarations(`${folder}/types`);
  }
  const manifest = packageJson(versions, { hasTypes });
  await Deno.writeTextFile(`${folder}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  for (const name of FILES) await Deno.copyFile(`${ROOT}${name}`, `${folder}/${name}`);
  await Deno.copyFile(`${ROOT}release/npm/README.md`, `${folder}/README.md`);
}

if (import.meta.main) {
  try {
    await buildNpm(DEFAULT_FOLDER);
    if (Deno.args.includes("--test")) await (await import("./try.ts")).tryPackage(DEFAULT_FOLDER);
  } finally {
    await stop();
  }
  console.log(`written: ${DEFAULT_FOLDER}`);
}
