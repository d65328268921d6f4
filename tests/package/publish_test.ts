import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import config from "../../deno.json" with { type: "json" };
import { VERSION } from "../../src/base/version.ts";
import { inFolder } from "../helpers/command.ts";
import {
  freshCache,
  pack,
  publishedFiles,
  runDeno,
  writeConsumerConfig,
} from "../helpers/package.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = `${import.meta.dirname}/../..`;

Deno.test("deno publish has nothing to say against the package", async () => {
  const { code, stderr } = await runDeno(["publish", "--dry-run", "--allow-dirty"], ROOT);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, `Simulating publish of ${config.name}@${VERSION}`);
  const said = stderr.replaceAll(/^ *file:.*$/gm, "");
  assert(!/warning/i.test(said), said);
});

Deno.test("published files are those that a user needs, and name no path of one machine", async () => {
  const files = await publishedFiles();
  for (const entry of Object.values(config.exports)) assert(files.includes(entry.slice(2)), entry);
  const strange = files.filter((file) =>
    !/^(mod\.ts|(src|links\/(assert|log))\/[\w/]+(\.d)?\.ts|[A-Z]+(\.md)?|(docs\/options\.schema|deno)\.json)$/
      .test(file)
  );
  assertEquals(strange, []);
  const { pathname: checkout } = new URL("../../", import.meta.url);
  for (const file of files) {
    const text = await Deno.readTextFile(`${ROOT}/${file}`);
    assert(!text.includes(checkout), `Expected no path of this checkout in ${file}`);
    const [path] = /(?<![\w.~)}/-])\/(root|home|Users|tmp|work|mnt|opt)\/\w+/.exec(text) ?? [];
    assertEquals(path, undefined, file);
  }
});

Deno.test("the published package runs the demo, as jsr:@fedlab/core/cli", () =>
  inFolder(async (folder) => {
    await pack(`${folder}/package`);
    await Deno.symlink(await Deno.realPath(`${ROOT}/links/log`), `${folder}/log`);
    // In place of JSR: the packed files under their name, and the log as the checkout has it.
    await writeConsumerConfig(folder, { links: ["./package", "./log"] });
    const { code, stdout, stderr } = await runDeno(
      [
        ...["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", "--allow-write=runs"],
        ...[`jsr:${config.name}@${VERSION}/cli`, "demo", "--rounds", "2"],
      ],
      folder,
      await freshCache(folder),
    );
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /accuracy \d\d\.\d\d% on 297 samples/);
    const files = stdout.slice(stdout.indexOf("written: ") + 9).trim().split(", ");
    assertEquals(
      files.map((file) => file.replace(/.*\//, "")).sort(),
      [
        ...["accuracy.svg", "model.json", "model.safetensors"],
        ...["report.json", "schema.json", "settings.json"],
      ],
    );
    for (const file of files) assert((await Deno.stat(`${folder}/${file}`)).size > 0, file);
  }));

/** A module as `deno info --json` tells of it. */
interface ModuleInfo {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier: string };
    readonly isDynamic?: boolean;
  }[];
}

Deno.test("mod.ts loads no package of npm at once but valibot", async () => {
  const { code, stdout, stderr } = await runDeno(["info", "--json", "mod.ts"], ROOT);
  assertEquals(code, 0, stderr);
  const { modules } = JSON.parse(stdout) as { modules: ModuleInfo[] };
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set([`${new URL("../../mod.ts", import.meta.url)}`]);
  for (const specifier of loaded) {
    for (const { code, isDynamic } of known.get(specifier)?.dependencies ?? []) {
      if (code && !isDynamic) loaded.add(code.specifier);
    }
  }
  const packages = [...loaded].filter((specifier) => /^npm:/.test(specifier)).sort();
  assertEquals(
    [...new Set(packages.map((specifier) => specifier.replace(/@\d.*/, "")))],
    ["npm:valibot"],
  );
});
