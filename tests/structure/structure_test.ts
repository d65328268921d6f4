import { CONFIG_SCHEMA, configSchemaText } from "./config_schema.ts";
import { COMPATIBILITY_PAGE, withConflicts } from "./conflict_table.ts";
import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { againstLayers, circlesOf, entryPoints } from "./figures.ts";
import { whyForbidden } from "./layers.ts";
import { importsOf, infoOf, read, ROOT } from "./modules.ts";
import { NOTEBOOK_PROGRAM, notebookProgram } from "./notebook.ts";
import { mermaidOf, withPicture } from "./picture.ts";
import { RULE_TABLE, ruleIn, ruleTable } from "./rule_table.ts";
import { TEMPLATES, templatesText } from "./templates.ts";

const IMPORTS = await importsOf(Object.values(await entryPoints()));

Deno.test("rooms of src/ import from layers below their own alone", () => {
  assert(IMPORTS.length > 500, `${IMPORTS.length}`);
  assertEquals(againstLayers(IMPORTS), []);
});

Deno.test("modules import each other in no circle", () => {
  assertEquals(circlesOf(IMPORTS.filter(({ isType }) => !isType)), []);
});

Deno.test("docs/ARCHITECTURE.md draws the imports as they are", async () => {
  const text = await read("docs/ARCHITECTURE.md");
  assertEquals(text, withPicture(text, mermaidOf(IMPORTS)));
});

Deno.test("the table of rules lists the files of its folder", async () => {
  assertEquals(await read(RULE_TABLE), await ruleTable(), "run deno task structure --write");
});

Deno.test("ruleIn() reads the name, the constant and the settings of a rule", () => {
  const text = (name: string) =>
    `export interface OwnRule {\n${name}}\nexport const own = {\n} satisfies Rule<OwnRule>;\n`;
  assertEquals(ruleIn(text(`  readonly name: "its-own";\n`)), {
    name: "its-own",
    rule: "own",
    settings: "OwnRule",
  });
  assertThrows(() => ruleIn(text("")), Error, "Cannot read the rule with the settings OwnRule");
  assertEquals(ruleIn("export const other = {\n};\n"), undefined);
});

Deno.test("no static import leads from mod.ts to TensorFlow.js", async () => {
  const seen = await loadedBy("mod.ts");
  assert(seen.size > 100, `${seen.size}`);
  assertEquals([...seen].filter((specifier) => specifier.includes("tensorflow")), []);
});

/** Modules that are loaded as soon as a module is imported. */
async function loadedBy(entry: string): Promise<Set<string>> {
  const { modules } = await infoOf(entry);
  const dependencies = new Map(
    modules.map((module) => [module.specifier, module.dependencies ?? []]),
  );
  const seen = new Set<string>();
  const visit = (specifier: string): void => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const { code, isDynamic } of dependencies.get(specifier) ?? []) {
      if (code?.specifier !== undefined && !isDynamic) visit(code.specifier);
    }
  };
  visit(new URL(entry, ROOT).href);
  return seen;
}

Deno.test("no static import leads from mod.ts or a worker to what notebooks and charts need", async () => {
  for (const entry of ["mod.ts", "src/sim/pool_worker.ts", "src/sim/warm_pool_worker.ts"]) {
    const seen = await loadedBy(entry);
    assert(seen.size > 100, `${seen.size}`);
    assertEquals([...seen].filter((specifier) => /\/display|\/d3-/.test(specifier)), []);
  }
});

Deno.test("whyForbidden() tells what goes up, across, or is forbidden by name", () => {
  assertEquals(whyForbidden("server", "round"), undefined);
  assertEquals(whyForbidden("round", "server"), "server lies above round");
  assertEquals(whyForbidden("client", "server"), "server lies beside client");
  assertEquals(whyForbidden("train", "net"), "training knows no sockets");
  assertEquals(whyForbidden("cellar", "base"), "cellar is in no layer");
});

Deno.test("circlesOf() finds modules that import each other, however long the way", () => {
  const imports = (...pairs: string[]) =>
    pairs.map((pair) => ({ from: pair.slice(0, 1), to: pair.slice(1) }));
  assertEquals(circlesOf(imports("ab", "bc", "ac", "cd")), []);
  assertEquals(circlesOf(imports("ab", "bc", "ca", "cd", "ed", "de")), [
    "a <-> b <-> c",
    "d <-> e",
  ]);
});

Deno.test("docs/COMPATIBILITY.md has the table of conflicts of the code", async () => {
  const text = await read(COMPATIBILITY_PAGE);
  assertEquals(text, withConflicts(text), "write it with deno task structure --write");
});

Deno.test("the JSON Schema of options files has the options of the commands", async () => {
  assertEquals(await read(CONFIG_SCHEMA), configSchemaText(), "run deno task structure --write");
});

Deno.test("the program of the notebook has its cells", async () => {
  assertEquals(await read(NOTEBOOK_PROGRAM), await notebookProgram());
});

Deno.test("the module of templates has the files of their folder", async () => {
  assertEquals(await read(TEMPLATES), await templatesText(), "run deno task structure --write");
});
