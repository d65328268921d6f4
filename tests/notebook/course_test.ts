import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { inFolder } from "../helpers/command.ts";
import { NOTEBOOK_PROGRAM } from "../structure/notebook.ts";
import { findPython, runPython } from "../helpers/python.ts";

const ROOT = new URL("../../", import.meta.url);
const NOTEBOOK = new URL("examples/notebook.ipynb", ROOT);

interface Notebook {
  readonly cells: readonly {
    readonly cell_type: string;
    readonly source: readonly string[];
    readonly outputs?: readonly unknown[];
  }[];
}

/** Media types that each cell of the course must show beside plain text. */
const SHOWN = [
  ...["text/html", "text/html", "text/html", "text/html"],
  undefined, // The description of the model is plain data.
  ...["text/html", "image/svg+xml", "image/svg+xml", "text/html", "text/html"],
];

const notebook: Notebook = JSON.parse(await Deno.readTextFile(NOTEBOOK));
const cells = notebook.cells.filter(({ cell_type }) => cell_type === "code");

Deno.test("the cells of the notebook run as a program, and their last expressions show themselves", async () => {
  // The program is checked for its types with the other tests.
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--frozen", "--no-check", "--allow-read", NOTEBOOK_PROGRAM],
    cwd: ROOT,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const shown: Record<string, string>[] = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(shown.map((media) => Object.keys(media)), SHOWN.map(keysOf));
  assert(/accuracy [6-9]\d\.\d\d% on 359 samples/.test(shown[5]?.["text/plain"] ?? ""));
});

Deno.test("the notebook is stored without outputs", () => {
  assertEquals(cells.length, 10);
  assertEquals(cells.flatMap(({ outputs = [] }) => outputs), []);
});

/**
 * Executes cells and prints the media types of each result. It waits for results themselves: the
 * kernel may send one after it says that it is idle, and nbclient then drops it.
 */
const EXECUTE = `
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="deno", cwd=sys.argv[1], startup_timeout=60)
results = []
try:
    for source in json.loads(sys.argv[2]):
        request = client.execute(source)
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "error":
                raise RuntimeError(content["evalue"])
            if message["msg_type"] == "execute_result":
                results.append(list(content["data"]))
                break
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps(results))
`;
const python = await findPython("FEDLAB_NOTEBOOK_PYTHON", ["jupyter_client"]);

Deno.test({
  name: "the notebook runs in Deno's Jupyter kernel" +
    (python === undefined
      ? " (needs jupyter_client, in the Python of FEDLAB_NOTEBOOK_PYTHON)"
      : ""),
  ignore: python === undefined,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/kernels/deno`, { recursive: true });
      const kernel = {
        argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
        display_name: "Deno",
        language: "typescript",
      };
      await Deno.writeTextFile(`${folder}/kernels/deno/kernel.json`, JSON.stringify(kernel));
      const outputs = await runPython(python ?? "", EXECUTE, [
        new URL("examples/", ROOT).pathname,
        JSON.stringify(cells.map(({ source }) => source.join(""))),
      ], { JUPYTER_PATH: folder, JUPYTER_RUNTIME_DIR: `${folder}/runtime` });
      assertEquals(outputs, SHOWN.map(keysOf));
    }),
});

function keysOf(type: string | undefined): string[] {
  return ["text/plain", ...type === undefined ? [] : [type]];
}
