/** The cells of the notebook as a program, which is checked for its types and run by a test. */
import { read } from "./modules.ts";

/** Path of the program. */
export const NOTEBOOK_PROGRAM = "tests/notebook/course_cells.ts";

/** Writes the program: the code cells in order, with the last expression of each shown. */
export async function notebookProgram(): Promise<string> {
  const { cells }: { cells: { cell_type: string; source: string[] }[] } = JSON.parse(
    await read("examples/notebook.ipynb"),
  );
  const code = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => {
    const lines = source.join("").trimEnd().split("\n");
    const last = lines.pop()?.replace(/;$/, "");
    return [...lines, `await show(${last});`].join("\n");
  });
  return `// deno-fmt-ignore-file
// Written by tests/structure/main.ts from the cells of examples/notebook.ipynb.
const shown: unknown[] = [];
async function show(value: object | undefined): Promise<void> {
  const media = Reflect.get(Object(value), Symbol.for("Jupyter.display"));
  shown.push(await media?.call(value) ?? { "text/plain": "" });
}
${code.join("\n")}
console.log(JSON.stringify(shown));
`;
}
