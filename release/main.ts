/**
 * Makes the files of a release in `dist/release/`.
 *
 *     deno task release
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { bundle } from "../docs/site/bundle.ts";
import { writeChecksums } from "./checksums.ts";
import { compileCommand, TARGETS } from "./command.ts";
import { ROOT, run } from "./deno_command.ts";
import { stop } from "./deps.ts";
import { buildNpm } from "./npm/build.ts";
import { sbomOf } from "./sbom.ts";

const FOLDER = `${ROOT}dist/release`;
const NAME = `fedlab-${config.version}`;

/** Writes the whole package as one module for browsers. */
async function writeBrowserBundle(): Promise<void> {
  await Deno.writeTextFile(`${FOLDER}/${NAME}.browser.js`, await bundle("../../mod.ts", "esm"));
}

/** Writes the package for npm. */
async function writeNpmPackage(): Promise<void> {
  const work = await Deno.makeTempDir();
  try {
    await buildNpm(work);
    await run("npm", ["pack", "--silent", "--pack-destination", FOLDER], work);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Writes the command for each machine. What cannot be compiled here is named, and left out. */
async function writeCommands(): Promise<void> {
  for (const target of TARGETS) {
    const file = `${FOLDER}/${NAME}-${target}${target.includes("windows") ? ".exe" : ""}`;
    const reason = await compileCommand(target, file);
    if (reason === undefined) continue;
    console.error(`Left out: the command for ${target} and the machines after it: ${reason}`);
    return;
  }
}

/** Writes the list of the packages that are part of it. */
async function writeSbom(): Promise<void> {
  const text = JSON.stringify(await sbomOf(), null, 2);
  await Deno.writeTextFile(`${FOLDER}/${NAME}.cdx.json`, `${text}\n`);
}

await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
await Deno.mkdir(FOLDER, { recursive: true });
try {
  await writeBrowserBundle();
  await writeNpmPackage();
} finally {
  await stop();
}
await writeCommands();
await writeSbom();
await writeChecksums(FOLDER);
for await (const { name } of Deno.readDir(FOLDER)) console.log(`written: dist/release/${name}`);
