import { readTable } from "../../src/data/formats/read_table.ts";
import type { RawTable, ReadTableOptions } from "../../src/data/formats/raw_table.ts";
import { inFolder } from "./command.ts";

/** Values of each column by its name or index, `null` for a missing one. */
export function valuesOf({ columns }: RawTable): Record<string, unknown[]> {
  return Object.fromEntries(columns.map(({ name, index, numbers, codes, texts }) => [
    name ?? `${index}`,
    numbers
      ? Array.from(numbers, (value) => Number.isNaN(value) ? null : value)
      : Array.from(codes ?? [], (code) => texts?.[code] ?? null),
  ]));
}

/** Writes a table to a file, and reads it. */
export async function read(
  content: string | Uint8Array<ArrayBuffer>,
  options: ReadTableOptions = {},
  extension = "csv",
): Promise<RawTable> {
  let table: RawTable | undefined;
  await inFolder(async (folder) => {
    const path = `${folder}/t.${extension}`;
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
    table = await readTable(path, options);
  });
  if (!table) throw new Error("unreachable");
  return table;
}
