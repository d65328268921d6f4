import { whyForbidden } from "./layers.ts";
import { filesOf, type Import, importsOf, read, roomOf, ROOT } from "./modules.ts";

/** Longest file of `src/` that needs no reason, in lines. */
export const MOST_LINES = 250;
/** Equal lines in a row that count as a pair of duplicates. */
const SAME_LINES = 6;
/** First words with which no doc comment begins. */
const INTERROGATIVE =
  /\/\*\*\s*(?:\*\s*)?(What|How|Whether|Which|Where|Who|Whose|Whom|When|Why)\b/g;

/** A figure of the code base, with what it stands for. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** Largest value that is accepted. */
  readonly most: number;
  /** The places that it counts, the first of them. */
  readonly places: readonly string[];
}

/** Entry points of the package by name, as `deno.json` lists them. */
export async function entryPoints(): Promise<Record<string, string>> {
  const { exports } = JSON.parse(await read("deno.json"));
  return Object.fromEntries(
    Object.entries(exports as Record<string, string>).map(([name, path]) => [name, path.slice(2)]),
  );
}

/** Measures the code base. */
export async function measure(): Promise<Figure[]> {
  const files = await filesOf("src/", [".ts"]);
  const texts = new Map(
    await Promise.all(files.map(async (path) => [path, await read(path)] as const)),
  );
  const byHand = new Map([...texts].filter(([path]) => !path.startsWith("src/generated/")));
  const imports = await importsOf(Object.values(await entryPoints()));
  const figure = (name: string, most: number, places: readonly string[]): Figure => ({
    name,
    value: places.length,
    most,
    places,
  });
  return [
    figure("files of src/ that begin with _", 0, files.filter((path) => /\/_[^/]*$/.test(path))),
    figure("names that mod.ts exports", 130, await exportedNames("mod.ts")),
    figure("imports against the layers", 0, againstLayers(imports)),
    figure("imports of a room's mod.ts from inside of the package", 0, throughTheDoor(imports)),
    figure(
      "circles of imports in TypeScript",
      0,
      circlesOf(imports.filter(({ isType }) => !isType)),
    ),
    figure("circles of modules in Rust", 0, circlesOf(await rustImports())),
    figure("doc comments that begin with an interrogative", 0, interrogatives(byHand)),
    figure(
      `files of src/ with more than ${MOST_LINES} lines`,
      5,
      [...byHand].filter(([, text]) => lineCount(text) > MOST_LINES)
        .map(([path, text]) => `${path}: ${lineCount(text)}`),
    ),
    figure(`pairs of ${SAME_LINES} equal lines or more`, 50, duplicatesOf(byHand)),
    figure("comment lines of more than 100 columns", 0, longComments(byHand)),
  ];
}

/** Files that are touched by hand to add something, by what CONTRIBUTING.md lists. */
export async function handTouched(): Promise<Map<string, string[]>> {
  const text = await read("CONTRIBUTING.md");
  const lists = new Map<string, string[]>();
  for (
    const [, name = "", body = ""] of text.matchAll(/^### Add (.+)\n([\s\S]*?)(?=^##|(?![\s\S]))/gm)
  ) {
    lists.set(name, [...body.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, path = ""]) => path));
  }
  return lists;
}

/**
 * Imports that go up, across, or where the list of layers forbids. Entry points (`mod.ts`) are
 * free:
 * they only list names for users of the package.
 */
export function againstLayers(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const [a, b] = [roomOf(from), roomOf(to)];
    if (a === undefined || b === undefined || from.endsWith("/mod.ts")) return [];
    const why = whyForbidden(a, b);
    return why === undefined ? [] : [`${from} -> ${to}: ${why}`];
  });
}

/** The names that a module exports, types among them. */
export async function exportedNames(path: string): Promise<string[]> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", path],
    cwd: ROOT,
    stdin: "null",
    stderr: "null",
  }).output();
  if (code !== 0) throw new Error(`Cannot list what ${path} exports`);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const names = new Set<string>();
  const collect = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(collect);
    const { symbols, name, kind, declarations } = Object(node);
    if (Array.isArray(symbols)) return collect(symbols);
    if (typeof name === "string" && (kind ?? declarations)) names.add(name);
  };
  for (const node of Array.isArray(nodes) ? nodes : Object.values(Object(nodes))) collect(node);
  return [...names].sort();
}

/**
 * Imports of a room's `mod.ts` by another room. Those are for users of the package: inside of it a
 * module imports what it needs from where it is, so that nothing more is loaded.
 */
export function throughTheDoor(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const room = roomOf(from);
    const isDoor = /^src\/.*\/mod\.ts$/.test(to) && !from.endsWith("/mod.ts");
    return room !== undefined && isDoor && roomOf(to) !== room ? [`${from} -> ${to}`] : [];
  });
}

/** Groups of modules that import each other, each as a list of its members. */
export function circlesOf(imports: readonly Pick<Import, "from" | "to">[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...next.get(from) ?? [], to]);
  // Tarjan's strongly connected components.
  const index = new Map<string, number>(), low = new Map<string, number>();
  const stack: string[] = [], circles: string[] = [];
  const visit = (one: string): number => {
    const number = index.size;
    index.set(one, number);
    let lowest = number;
    stack.push(one);
    for (const other of next.get(one) ?? []) {
      if (!index.has(other)) lowest = Math.min(lowest, visit(other));
      else if (stack.includes(other)) lowest = Math.min(lowest, index.get(other) ?? 0);
    }
    low.set(one, lowest);
    if (lowest !== number) return lowest;
    const group = stack.splice(stack.indexOf(one));
    if (group.length > 1) circles.push(group.sort().join(" <-> "));
    return lowest;
  };
  for (const one of next.keys()) if (!index.has(one)) visit(one);
  return circles.sort();
}

async function rustImports(): Promise<Pick<Import, "from" | "to">[]> {
  const files = await filesOf("wasm/src/", [".rs"]);
  const moduleOf = (path: string): string =>
    path.slice("wasm/src/".length).replace(/(\/mod)?\.rs$/, "").replaceAll("/", "::");
  const known = new Map(files.map((path) => [moduleOf(path), path]));
  const imports: Pick<Import, "from" | "to">[] = [];
  for (const from of files) {
    const text = (await read(from)).replace(/#\[cfg\(test\)\][\s\S]*$/, "");
    for (const [, path = ""] of text.matchAll(/\bcrate::([\w:]+)/g)) {
      for (let name = path; name !== ""; name = name.replace(/(^|::)\w*$/, "")) {
        const to = known.get(name);
        if (to === undefined) continue;
        if (to !== from) imports.push({ from, to });
        break;
      }
    }
  }
  return imports;
}

function interrogatives(texts: ReadonlyMap<string, string>): string[] {
  return [...texts].flatMap(([path, text]) =>
    [...text.matchAll(INTERROGATIVE)].map(({ index }) =>
      `${path}:${lineCount(text.slice(0, index))}`
    )
  );
}

function longComments(texts: ReadonlyMap<string, string>): string[] {
  return [...texts].flatMap(([path, text]) =>
    text.split("\n").flatMap((line, i) =>
      /^\s*(\/\/|\/\*\*|\*)/.test(line) && line.length > 100 && !/https?:/.test(line)
        ? [`${path}:${i + 1}`]
        : []
    )
  );
}

/**
 * Places at which as many lines in a row are equal, without imports, comments and brackets alone.
 */
function duplicatesOf(texts: ReadonlyMap<string, string>): string[] {
  interface Line {
    readonly path: string;
    readonly number: number;
    readonly text: string;
  }
  const files = [...texts].map(([path, text]) => {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
      .replace(
        /^(import|export) (type )?\{[^}]*\} from .*$|^import .*$/gm,
        (all) => all.replace(/[^\n]/g, ""),
      );
    return code.split("\n").flatMap((line, i): Line[] => {
      const trimmed = line.trim();
      return /\w/.test(trimmed) && !trimmed.startsWith("//")
        ? [{ path, number: i + 1, text: trimmed }]
        : [];
    });
  });
  const seen = new Map<string, [file: number, at: number][]>();
  const pairs: string[] = [];
  const covered = new Set<string>();
  files.forEach((lines, file) => {
    for (let at = 0; at + SAME_LINES <= lines.length; at++) {
      const key = lines.slice(at, at + SAME_LINES).map(({ text }) => text).join("\n");
      for (const [otherFile, otherAt] of seen.get(key) ?? []) {
        const offset = `${otherFile} ${file} `;
        // A longer run counts once.
        const isNew = !covered.has(`${offset}${otherAt - 1} ${at - 1}`);
        covered.add(`${offset}${otherAt} ${at}`);
        const [a, b] = [files[otherFile]?.[otherAt], lines[at]];
        if (isNew && a && b) pairs.push(`${a.path}:${a.number} ~ ${b.path}:${b.number}`);
      }
      seen.set(key, [...seen.get(key) ?? [], [file, at]]);
    }
  });
  return pairs;
}

function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
