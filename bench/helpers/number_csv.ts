const COLUMNS = 20;
const ROWS_AT_ONCE = 1000;

/** File of numbers for benchmarks. */
export interface NumberCsv {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  readonly columns: number;
}

/** Writes a CSV file of random numbers of six decimals and a class, of at least `bytes` bytes. */
export async function writeNumberCsv(path: string, bytes: number): Promise<NumberCsv> {
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  const writer = file.writable.getWriter();
  const encoder = new TextEncoder();
  let written = 0, rows = 0, state = 1;
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  let text = `${Array.from({ length: COLUMNS - 1 }, (_, i) => `x${i}`).join()},y\n`;
  while (written < bytes) {
    for (let i = 0; i < ROWS_AT_ONCE; i++, rows++) {
      for (let column = 1; column < COLUMNS; column++) {
        text += `${(20 * random() - 10).toFixed(6)},`;
      }
      text += `${rows % 3}\n`;
    }
    const piece = encoder.encode(text);
    await writer.write(piece);
    written += piece.length;
    text = "";
  }
  writer.releaseLock();
  return { path, bytes: written, rows, columns: COLUMNS };
}
