/**
 * Figures of the code base, and the picture of its rooms.
 *
 *     deno task structure              prints the figures
 *     deno task structure --places     prints the places that they count as well
 *     deno task structure --write      draws the picture of docs/ARCHITECTURE.md, lists the rules,
 *                                      writes the table of docs/COMPATIBILITY.md, the schema of
 *                                      options files, the module of templates and the
 *                                      program of the notebook
 *     deno task structure --check      fails for a figure that is too large
 */
import { parseArgs } from "node:util";
import { entryPoints, handTouched, measure } from "./figures.ts";
import { CONFIG_SCHEMA, configSchemaText } from "./config_schema.ts";
import { COMPATIBILITY_PAGE, withConflicts } from "./conflict_table.ts";
import { importsOf, read, ROOT } from "./modules.ts";
import { NOTEBOOK_PROGRAM, notebookProgram } from "./notebook.ts";
import { mermaidOf, withPicture } from "./picture.ts";
import { RULE_TABLE, ruleTable } from "./rule_table.ts";
import { TEMPLATES, templatesText } from "./templates.ts";

const { values } = parseArgs({
  options: {
    places: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
  },
});

if (values.write) {
  await Deno.writeTextFile(new URL(RULE_TABLE, ROOT), await ruleTable());
  const path = "docs/ARCHITECTURE.md";
  const picture = mermaidOf(await importsOf(Object.values(await entryPoints())));
  await Deno.writeTextFile(new URL(path, ROOT), withPicture(await read(path), picture));
  const text = await read(COMPATIBILITY_PAGE);
  await Deno.writeTextFile(new URL(COMPATIBILITY_PAGE, ROOT), withConflicts(text));
  await Deno.writeTextFile(new URL(TEMPLATES, ROOT), await templatesText());
  await Deno.writeTextFile(new URL(NOTEBOOK_PROGRAM, ROOT), await notebookProgram());
  await Deno.writeTextFile(new URL(CONFIG_SCHEMA, ROOT), configSchemaText());
}
const figures = await measure();
for (const { name, value, most, places } of figures) {
  console.log(
    `${value > most ? "!" : " "} ${String(value).padStart(5)} of at most ${most}: ${name}`,
  );
  if (values.places) { for (const place of places) console.log(`          ${place}`); }
}
for (const [what, files] of await handTouched()) {
  console.log(
    `  ${String(files.length).padStart(5)} files by hand to add ${what}: ${files.join(", ")}`,
  );
}
if (values.check && figures.some(({ value, most }) => value > most)) Deno.exit(1);
