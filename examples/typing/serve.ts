/**
 * Server of a page in which a language model goes on with what is typed.
 *
 *     deno task build:typing
 *     deno task typing runs/RUN
 *
 * The first argument is the folder of a run, or a file of `writeModel()`. Arguments after it: the
 * address (127.0.0.1:9000); the file of the texts that the model was trained on, with which the page
 * compares what it writes (none); and the folder of the page (`dist` beside this file).
 */
import { errorMessage } from "@fedlab/core";
import { readAuthoredLines } from "@fedlab/core/data";
import { TextGenerator } from "@fedlab/core/predict";
import { localAddress, readPage } from "../browser/page_server.ts";

/** Files of a run's folder that make a model. */
const MODEL = ["model.safetensors", "model.json", "schema.json"];

const [model, address = "127.0.0.1:9000", file, dist = `${import.meta.dirname}/dist`] = Deno.args;
if (model === undefined) {
  console.error("Usage: serve.ts RUN [HOST:PORT [TEXTS [DIST]]]");
  Deno.exit(2);
}
const { hostname, port } = localAddress(address);
const page = ["index.html", "styles.css", "typing.css", "page.js", "writer.js"];
const site = await readPage(dist, page, "build:typing");
// What cannot be used is told here, and not in the page alone.
const texts = await TextGenerator.load(model).then(readTexts).catch((error) => {
  console.error(errorMessage(error));
  Deno.exit(1);
});
const isFile = (await Deno.stat(model)).isFile;

const web = Deno.serve({ hostname, port, onListen() {} }, async ({ url }) => {
  const { pathname } = new URL(url);
  if (pathname === "/texts.txt" && texts !== undefined) return new Response(texts);
  const name = MODEL.find((one) => pathname === `/model/${one}`);
  return (name === undefined ? site(pathname) : await modelFile(name)) ??
    new Response("Not found\n", { status: 404 });
});
console.log(`Open http://${hostname}:${web.addr.port}/`);

async function readTexts(): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const authors = await readAuthoredLines(file);
  return authors.flatMap(({ lines }) => lines).join("\n");
}

/** Answers with a file of the model; none where it has no such file. */
async function modelFile(name: string): Promise<Response | undefined> {
  if (isFile && name !== MODEL[0]) return undefined;
  const path = isFile ? model ?? "" : `${model}/${name}`;
  try {
    // A run may go on, and replace its model.
    return new Response(await Deno.readFile(path), { headers: { "cache-control": "no-cache" } });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
