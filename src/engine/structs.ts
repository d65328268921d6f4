/** Layout of a structure of the kernels: its size and the offsets of its fields, in bytes. */
export interface StructLayout<Field extends string> {
  readonly size: number;
  readonly offsets: Readonly<Record<Field, number>>;
}

const BYTES = 4;

/**
 * Returns the values of a structure in the order of memory. Each value has four bytes; a field that
 * is an array has several.
 */
export function valuesOf<Field extends string>(
  { size, offsets }: StructLayout<Field>,
  fields: Readonly<Record<NoInfer<Field>, number | readonly number[]>>,
): number[] {
  const values = new Array<number>(size / BYTES).fill(0);
  for (const field in offsets) {
    const at = offsets[field] / BYTES, value = fields[field];
    if (typeof value === "number") values[at] = value;
    else for (let i = 0; i < value.length; i++) values[at + i] = value[i] ?? 0;
  }
  return values;
}
