import config from "../../deno.json" with { type: "json" };
import { ROOT, run } from "../deno_command.ts";
import { bundleProgram } from "./bundle.ts";
import { COMPILER } from "./declarations.ts";

/** Folder of the programs that use the package on Node. */
const PROGRAMS = `${ROOT}tests/package/node`;

/** Program that a compiler checks against the declarations of the package. */
const TYPED = `
import { digits, mlp, parseStrategy, partition, Simulation } from "${config.name}";
import { initialParameters, SyncParameterServerHandler, type RunReport } from "${config.name}";
import { InProcessPool } from "${config.name}/sim";
import type { Manifest } from "${config.name}/params";

const train = await digits();
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
const initial = await initialParameters(model, 1);
const manifest: Manifest = initial.manifest;
const strategy = parseStrategy("fedprox:mu=0.1");
const handler = new SyncParameterServerHandler({ ...initial, model, strategy });
const parts = partition("iid", train, { parts: 3, seed: 1 });
const options = { train, parts, rounds: 2, pool: InProcessPool.start };
const report: RunReport = await new Simulation(handler, options).run();
// @ts-expect-error The digest is a text.
const digest: number = report.modelDigest;
console.log(manifest.length, digest);
`;

/** Installs the built package into a folder, as a project of Node does. */
export async function install(packed: string, project: string): Promise<void> {
  await Deno.writeTextFile(`${project}/package.json`, '{ "type": "module" }\n');
  const tarball = (await run("npm", ["pack", "--silent", packed], project)).trim();
  const quiet = ["--silent", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
  await run("npm", ["install", ...quiet, `./${tarball}`], project);
}

/** Bundles programs of the tests into the folder of a project. */
export async function addPrograms(project: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await bundleProgram(`${PROGRAMS}/${name}.ts`, `${project}/${name}.js`);
  }
}

/**
 * Tries the built package in a new project: its tests run on Node, and a program that uses it is
 * checked against its declarations.
 *
 * @throws {Error} If a test or the check fails.
 */
export async function tryPackage(packed: string): Promise<void> {
  const project = await Deno.makeTempDir();
  try {
    await install(packed, project);
    await addPrograms(project, "rooms", "pinned_runs");
    console.log(await run("node", ["--test", "rooms.js", "pinned_runs.js"], project));
    await Deno.writeTextFile(`${project}/typed.ts`, TYPED);
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2024", "--module"];
    await run(
      "npx",
      ["-y", "-p", COMPILER, "tsc", ...options, "nodenext", "typed.ts"],
      project,
    );
    console.log("types: ok");
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}
