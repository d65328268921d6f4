/** Layout of a structure of the kernels: its size and the offsets of its fields, in bytes. */
export interface StructLayout<Field extends string> {
  readonly size: number;
  readonly offsets: Readonly<Record<Field, number>>;
}

const BYTES = 4;

/** Values of the fields of a structure. Each value has four bytes; a field may have several. */
type FieldValues<Field extends string> = Readonly<Record<Field, number | readonly number[]>>;

/** Returns the values of a structure in the order of memory. */
export function valuesOf<Field extends string>(
  layout: StructLayout<Field>,
  fields: FieldValues<NoInfer<Field>>,
): number[] {
  const values = new Array<number>(layout.size / BYTES).fill(0);
  setValues(values, layout, fields);
  return values;
}

/** Sets the fields of a structure in memory. */
export function setValues<Field extends string>(
  values: Float32Array | Uint32Array | number[],
  { offsets }: StructLayout<Field>,
  fields: FieldValues<NoInfer<Field>>,
): void {
  for (const field in offsets) {
    const at = offsets[field] / BYTES, value = fields[field];
    if (typeof value === "number") values[at] = value;
    else for (let i = 0; i < value.length; i++) values[at + i] = value[i] ?? 0;
  }
}
