import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import type { ReadProgress } from "../../../src/data/formats/raw_table.ts";
import { readTable } from "../../../src/data/formats/read_table.ts";
import { inFolder } from "../../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROW = "1.25,-3e2,word\n";
const ROWS = 1_500_000;

/** Writes a table of 22 MB. */
async function writeLarge(path: string): Promise<void> {
  await Deno.writeTextFile(path, `a,b,c\n${ROW.repeat(ROWS)}`);
}

Deno.test("readTable() reports the bytes that it has read, and the last of them", () =>
  inFolder(async (folder) => {
    const path = `${folder}/large.csv`;
    await writeLarge(path);
    const { size } = await Deno.stat(path);
    const reports: ReadProgress[] = [];
    const table = await readTable(path, { onProgress: (progress) => reports.push(progress) });
    assertEquals(table.length, ROWS);
    assertEquals(table.place(ROWS - 1), `line ${ROWS + 1}`);
    assert(reports.length >= 3);
    assert(reports.every(({ bytes }, i) => i === 0 || bytes > (reports[i - 1]?.bytes ?? 0)));
    assertEquals(reports.at(-1), { file: path, bytes: size, total: size });
  }));

Deno.test("readTable() refuses a file that becomes shorter, and ends with its signal", () =>
  inFolder(async (folder) => {
    const path = `${folder}/large.csv`;
    await writeLarge(path);
    const stop = new AbortController();
    await assertRejects(
      () => readTable(path, { signal: stop.signal, onProgress: () => stop.abort(new Error("no")) }),
      Error,
      "no",
    );
    // The cut is at the end of a row.
    const onProgress = () => Deno.truncateSync(path, 6 + 700_000 * ROW.length);
    await assertRejects(
      () => readTable(path, { onProgress }),
      SyntaxError,
      "large.csv: it became shorter while it was read: 10500006 of 22500006 bytes",
    );
  }));

Deno.test("readTable() refuses a gzip file of 256 MB of zeros", () =>
  inFolder(async (folder) => {
    const path = `${folder}/zeros.csv.gz`;
    const zeros = new Blob([new Uint8Array(2 ** 28)]).stream();
    await Deno.writeFile(path, zeros.pipeThrough(new CompressionStream("gzip")));
    await assertRejects(
      () => readTable(path),
      SyntaxError,
      "zeros.csv.gz: line 1: expected text, got a NUL byte",
    );
  }));
