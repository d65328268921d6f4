/**
 * Reader of the kernels' Rust signatures, and writer of the TypeScript declarations.
 *
 * @module
 */

import { layoutOf, type Struct, toCamelCase, toSnakeCase } from "./structs.ts";

/** Value types of WebAssembly that the kernels use. */
export type ValueType = "i32" | "f32" | "f64";

/** Parameter of a kernel. */
export interface Parameter {
  readonly name: string;
  /** Type in Rust, such as `*const f32`. */
  readonly rust: string;
  readonly type: ValueType;
  readonly isPointer: boolean;
}

/** Exported function of the Rust sources. */
export interface Kernel {
  readonly name: string;
  /** Lines of the documentation. */
  readonly docs: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly result: ValueType | undefined;
}

const WIDTH = 100;
const SCALARS: Readonly<Record<string, ValueType>> = {
  usize: "i32",
  u32: "i32",
  i32: "i32",
  f32: "f32",
  f64: "f64",
};
const ELEMENTS: Readonly<Record<string, string>> = {
  f32: "float32 values",
  f64: "float64 values",
  i32: "int32 values",
  u8: "bytes",
  u16: "uint16 values",
  u32: "uint32 values",
};
/** A documented function that is exported to the host. */
const EXPORTED =
  /((?:^\/\/\/.*\n)*)^#\[unsafe\(no_mangle\)\]\s*pub (?:unsafe )?extern "C" fn (\w+)\(([^)]*)\)(?: -> (\w+))? \{/gm;

function scalarOf(rust: string, place: string): ValueType {
  const type = SCALARS[rust];
  if (type === undefined) throw new Error(`Cannot declare ${place}: unknown type ${rust}`);
  return type;
}

function readParameter(text: string, kernel: string): Parameter {
  const [, name = "", rust = ""] = /^_?(\w+): (.+)$/.exec(text.trim()) ?? [];
  if (name === "") throw new Error(`Cannot declare ${kernel}: unknown parameter ${text}`);
  const isPointer = /[*&]/.test(rust);
  const type = isPointer ? "i32" : scalarOf(rust, `parameter ${name} of ${kernel}`);
  return { name, rust, type, isPointer };
}

/**
 * Reads the exported functions of a source file.
 *
 * @throws {Error} If a function has no documentation, or a type that cannot be declared.
 */
export function readKernels(source: string): Kernel[] {
  const kernels = [...source.matchAll(EXPORTED)].map((match): Kernel => {
    const [, docs = "", name = "", parameters = "", result] = match;
    if (docs === "") throw new Error(`Cannot declare ${name}: it has no documentation`);
    return {
      name,
      docs: docs.trimEnd().split("\n").map((line) => line.replace(/^\/\/\/ ?/, "")),
      parameters: parameters.split(",").filter((text) => text.trim() !== "")
        .map((text) => readParameter(text, name)),
      result: result === undefined ? undefined : scalarOf(result, `the result of ${name}`),
    };
  });
  const exported = source.split("#[unsafe(no_mangle)]").length - 1;
  if (kernels.length === exported) return kernels;
  throw new Error(`Cannot declare the kernels: read ${kernels.length} signatures of ${exported}`);
}

/**
 * Checks that every kernel with scratch memory has a function that returns the size of that memory,
 * and that the function takes its parameters from those of the kernel.
 *
 * @throws {Error} If one has none, or it takes others.
 */
export function checkScratch(kernels: readonly Kernel[]): void {
  for (const { name, parameters } of kernels) {
    if (!parameters.some((parameter) => parameter.name === "scratch")) continue;
    const size = kernels.find((kernel) => kernel.name === `${name}_scratch`);
    if (size === undefined) throw new Error(`Cannot declare ${name}: it has no ${name}_scratch`);
    for (const wanted of size.parameters) {
      if (parameters.some(({ name, rust }) => name === wanted.name && rust === wanted.rust)) {
        continue;
      }
      throw new Error(`Cannot declare ${size.name}: ${name} has no parameter ${wanted.name}`);
    }
  }
}

/** Breaks text into lines of at most `width` characters; code spans stay whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/** Joins the lines of each paragraph and list item, and breaks them anew. */
function fill(docs: readonly string[], width: number): string[] {
  const paragraphs: string[] = [];
  for (const line of docs) {
    const last = paragraphs.at(-1);
    if (line === "" || /^(- |@)/.test(line) || last === undefined || last === "") {
      paragraphs.push(line);
    } else paragraphs[paragraphs.length - 1] = `${last} ${line.trimStart()}`;
  }
  return paragraphs.flatMap((paragraph) => {
    if (!paragraph.startsWith("- ")) return paragraph === "" ? [""] : wrap(paragraph, width);
    return wrap(paragraph.slice(2), width - 2).map((line, i) => `${i === 0 ? "- " : "  "}${line}`);
  });
}

/** Returns the type that a pointer leads to, and how it is used. */
function targetOf(rust: string): { target: string; isWritten: boolean; isOptional: boolean } {
  const [, optional, access = "", target = ""] =
    /^(Option<)?(\*const |\*mut |&mut |&)(\w+)>?$/.exec(rust) ?? [];
  return { target, isWritten: access.includes("mut"), isOptional: optional !== undefined };
}

/** Describes the memory that a pointer leads to. */
function describe({ name, rust }: Parameter): string {
  const { target, isWritten, isOptional } = targetOf(rust);
  const written = isWritten && name !== "scratch" ? ", written" : "";
  const what = ELEMENTS[target] ?? `\`${target}\``;
  return `@param ${toCamelCase(name)} Address of ${what}${written}${isOptional ? ", or 0" : ""}.`;
}

/**
 * Returns the structures that the kernels take the address of.
 *
 * @throws {Error} If the layout of one is not known.
 */
function structsOf(kernels: readonly Kernel[], structs: readonly Struct[]): Struct[] {
  const names = new Set(
    kernels.flatMap(({ parameters }) => parameters).filter(({ isPointer }) => isPointer)
      .map(({ rust }) => targetOf(rust).target).filter((name) => !(name in ELEMENTS)),
  );
  return [...names].sort().map((name) => {
    const found = structs.find((struct) => struct.name === name);
    if (found === undefined) {
      throw new Error(`Cannot declare ${name}: it is no structure of repr(C)`);
    }
    return found;
  });
}

function declare({ name, docs, parameters, result }: Kernel): string {
  const tags = parameters.filter(({ isPointer }) => isPointer).map(describe);
  const text = docs.map((line) => line.replaceAll(/\[(`\w+`)\]/g, "$1"));
  const lines = fill(
    tags.length > 0 ? [...text, "", ...tags] : text,
    WIDTH - 5,
  );
  const list = parameters.map((parameter) =>
    `${toCamelCase(parameter.name)}: ${parameter.isPointer ? "Pointer" : "number"}`
  );
  const returns = result === undefined ? "void" : "number";
  const flat = `  ${name}(${list.join(", ")}): ${returns};`;
  const signature = flat.length <= WIDTH
    ? flat
    : `  ${name}(\n${list.map((item) => `    ${item},\n`).join("")}  ): ${returns};`;
  const comment = lines.length === 1
    ? `  /** ${lines[0]} */`
    : ["  /**", ...lines.map((line) => `   * ${line}`.trimEnd()), "   */"].join("\n");
  return `${comment}\n${signature}\n`;
}

/** Declarations of a module. */
export interface DeclarationOptions {
  /** Name of the interface, such as `EngineExports`. */
  readonly interfaceName: string;
  /** First line of the interface's documentation. */
  readonly summary: string;
  /** Interface that has the functions of another module, and the file that declares it. */
  readonly base?: { readonly interfaceName: string; readonly file: string };
}

/** Returns the text of a TypeScript module that declares the kernels and their structures. */
export function declarations(
  kernels: readonly Kernel[],
  structs: readonly Struct[],
  { interfaceName, summary, base }: DeclarationOptions,
): string {
  const sorted = [...kernels].sort((a, b) => a.name < b.name ? -1 : 1);
  const pointers = sorted.some(({ parameters }) => parameters.some(({ isPointer }) => isPointer));
  const head = base
    ? `import type { ${base.interfaceName}, Pointer } from "./${base.file}";\n\n`
    : pointers
    ? "/** Address in the module's memory, in bytes. */\nexport type Pointer = number;\n\n"
    : "";
  const own = base ? "" : `  /** Memory of the module. */
  readonly memory: WebAssembly.Memory;
  /** Address of the first byte that the module leaves to its caller. */
  readonly __heap_base: WebAssembly.Global;
`;
  const counts = sorted.map(({ name, parameters }) => `  ${name}: ${parameters.length},\n`).join(
    "",
  );
  return `// Generated by wasm/build.ts from the Rust sources, do not edit.

${head}/** ${summary} */
export interface ${interfaceName}${base ? ` extends ${base.interfaceName}` : ""} {
${own}${sorted.map(declare).join("")}}

/** Number of parameters of each function of {@linkcode ${interfaceName}}. */
export const ${toSnakeCase(interfaceName)}: Readonly<Record<string, number>> = {
${counts}};
${structsOf(kernels, structs).map(layoutOf).join("")}`;
}
