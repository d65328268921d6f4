/**
 * Reader of the kernels' Rust structures, and writer of their layouts in TypeScript.
 *
 * @module
 */

/** Structure that the host shares with the kernels. */
export interface Struct {
  readonly name: string;
  /** First sentence of the documentation. */
  readonly summary: string;
  /** Number of bytes. */
  readonly size: number;
  /** Distance of each field from the beginning, in bytes, in the order of memory. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** Bytes of a value, which is aligned to as many. */
const SIZES: Readonly<Record<string, number>> = { usize: 4, u32: 4, i32: 4, f32: 4, f64: 8 };
/** A documented structure in the layout of C. */
const STRUCT =
  /((?:^\/\/\/.*\n)*)(?:^#\[derive\(.*\)\]\n)*^#\[repr\(C\)\]\n(?:^#\[derive\(.*\)\]\n)*^pub struct (\w+) \{\n([^}]*)^\}/gm;
const FIELD = /^ {4}(?:pub )?(\w+): (.+),$/gm;

function round(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

/**
 * Reads the structures of a source file that have the layout of C.
 *
 * @throws {Error} If a field has a type whose layout is not known.
 */
export function readStructs(source: string): Struct[] {
  return [...source.matchAll(STRUCT)].map(([, docs = "", name = "", body = ""]): Struct => {
    const offsets = new Map<string, number>();
    let size = 0, largest = 1;
    for (const [, field = "", rust = ""] of body.matchAll(FIELD)) {
      const [, item = "", count = "1"] = /^\[(\w+); (\d+)\]$/.exec(rust) ?? [rust, rust];
      const align = SIZES[item];
      if (align === undefined) {
        throw new Error(`Cannot lay out ${name}: unknown type ${rust} of ${field}`);
      }
      offsets.set(field, round(size, align));
      size = round(size, align) + align * Number(count);
      largest = Math.max(largest, align);
    }
    const text = docs.replaceAll(/^\/\/\/ ?/gm, "").replaceAll("\n", " ");
    return {
      name,
      summary: /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/:$/, ".") ?? `Structure ${name}.`,
      size: round(size, largest),
      offsets,
    };
  });
}

/** Returns the TypeScript declaration of a structure's layout. */
export function layoutOf({ name, summary, size, offsets }: Struct): string {
  const fields = [...offsets].map(([field, offset]) => `    ${toCamelCase(field)}: ${offset},\n`);
  return `
/**
 * ${summary}
 *
 * Layout of the structure \`${name}\`: its size and the offsets of its fields, in bytes.
 */
export const ${toSnakeCase(name)}_LAYOUT = {
  size: ${size},
  offsets: {
${fields.join("")}  },
} as const;
`;
}

/** Turns `out_height` into `outHeight`. */
export function toCamelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Turns `EngineExports` into `ENGINE_EXPORTS`. */
export function toSnakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
