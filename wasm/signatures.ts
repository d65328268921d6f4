/**
 * Reader of the signatures in a WebAssembly module.
 *
 * @module
 */

/** Sections of a module that tell its exported functions. */
const TYPES = 1, FUNCTIONS = 3, EXPORTS = 7;
const EXPORTED_FUNCTION = 0;
const VALUE_TYPES: ReadonlyMap<number, string> = new Map([
  [0x7F, "i32"],
  [0x7E, "i64"],
  [0x7D, "f32"],
  [0x7C, "f64"],
]);

class Reader {
  #at: number;

  constructor(readonly bytes: Uint8Array, start = 0) {
    this.#at = start;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.#at++] ?? 0;
  }

  /** Reads an unsigned number in LEB128. */
  number(): number {
    let value = 0, shift = 0, byte = 0;
    do {
      byte = this.byte();
      value |= (byte & 0x7F) << shift;
      shift += 7;
    } while (byte & 0x80);
    return value >>> 0;
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.number() }, item);
  }

  take(length: number): Uint8Array {
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return new TextDecoder().decode(this.take(this.number()));
  }
}

/**
 * Returns the signatures of the functions that a module without imports exports, such as
 * `(i32, f32) -> ()`.
 */
export function signaturesOf(wasm: Uint8Array): Map<string, string> {
  const sections = new Map<number, Reader>();
  const module = new Reader(wasm, 8);
  while (!module.isAtEnd) {
    const id = module.byte();
    sections.set(id, new Reader(module.take(module.number())));
  }
  const section = (id: number) => sections.get(id) ?? new Reader(new Uint8Array(1));
  const types = section(TYPES), functions = section(FUNCTIONS), exported = section(EXPORTS);
  const valueTypes = () => `(${types.list(() => VALUE_TYPES.get(types.byte()) ?? "?").join(", ")})`;
  const signatures = types.list(() => {
    types.byte();
    return `${valueTypes()} -> ${valueTypes()}`;
  });
  const typeOf = functions.list(() => functions.number());
  const found = new Map<string, string>();
  exported.list(() => {
    const name = exported.text(), kind = exported.byte(), index = exported.number();
    if (kind === EXPORTED_FUNCTION) found.set(name, signatures[typeOf[index] ?? -1] ?? "?");
  });
  return found;
}
