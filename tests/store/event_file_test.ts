import { assertEquals, assertMatch, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { EventFile } from "../../src/store/mod.ts";
import {
  maskedCrc32c,
  scalarEvent,
  tfRecord,
  versionEvent,
} from "../../src/store/tensorboard/event_records.ts";
import type { RoundReport } from "../../mod.ts";
import { Curves } from "../../src/cli/output/tensorboard.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("maskedCrc32c() is CRC-32C of RFC 3720, B.4, turned by 15 bits and masked", () => {
  const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  assertEquals(maskedCrc32c(new TextEncoder().encode("123456789")), masked(0xe3069283));
  assertEquals(maskedCrc32c(new Uint8Array(32)), masked(0x8a9136aa));
  assertEquals(maskedCrc32c(new Uint8Array(32).fill(255)), masked(0x62a8ab43));
});

Deno.test("tfRecord() of events are the bytes that tensorboard 2.21 writes", () => {
  // By RecordWriter: Event(wall_time=1700000000.25, file_version="brain.Event:2"), then step 300
  // with two simple values.
  const expected =
    "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9" +
    "2c00000000000000f4aecc450900002040fc54d94110ac022a1e0a0b0a046c6f737315cdcccc3d" +
    "0a0f0a086163637572616379150000403ff79c10e2";
  const scalars = { loss: 0.1, accuracy: 0.75 };
  const records = [
    tfRecord(versionEvent(1700000000.25)),
    tfRecord(scalarEvent(300, scalars, 1700000000.5)),
  ];
  assertEquals(records.map((bytes) => bytes.toHex()).join(""), expected);
});

Deno.test("EventFile keeps steps as they come, and files of two runs apart", () =>
  inFolder(async (folder) => {
    using first = EventFile.create(`${folder}/a/b`), second = EventFile.create(`${folder}/a/b`);
    first.write(1, { loss: 2 }, 5);
    second.write(7, { loss: 3 }, 6);
    const names = [...Deno.readDirSync(`${folder}/a/b`)].map(({ name }) => name);
    assertEquals(names.length, 2);
    for (const name of names) assertMatch(name, /tfevents/);
    for (
      const [file, last] of [
        [first, scalarEvent(1, { loss: 2 }, 5)],
        [second, scalarEvent(7, { loss: 3 }, 6)],
      ] as const
    ) {
      const bytes = await Deno.readFile(file.path);
      const record = tfRecord(last);
      assertEquals(bytes.subarray(-record.length), record);
      assertEquals(bytes.length, tfRecord(versionEvent(0)).length + record.length);
    }
    assertThrows(() => first.write(0.5, {}), RangeError, "expected a step from 0, got 0.5");
  }));

Deno.test("Curves has a file from the first round on, which of a resumed run takes the place of what was there", () =>
  inFolder(async (folder) => {
    using curves = await Curves.open(`${folder}/tb`, { goesOn: true });
    assertEquals([...Deno.readDirSync(`${folder}/tb`)], []);
    const report = { round: 300, loss: 0.1, seconds: 1 } as RoundReport;
    for (const round of [300, 301]) {
      curves.show({ type: "round-ended", report: { ...report, round } });
    }
    const [file] = Deno.readDirSync(`${folder}/tb`);
    const hex = (await Deno.readFile(`${folder}/tb/${file?.name}`)).toHex();
    // An Event with a wall time, step 300, and field 7, a SessionLog of status START.
    const starts = [...hex.matchAll(/09[0-9a-f]{16}10ac023a020801/g)];
    assertEquals(starts.length, 1);
    const scalars = [...hex.matchAll(/09[0-9a-f]{16}10a[cd]022a/g)];
    assertEquals(scalars.length, 2);
    assertEquals((starts[0]?.index ?? NaN) < (scalars[0]?.index ?? NaN), true);

    assertEquals(curves.failure, undefined);

    await Deno.writeTextFile(`${folder}/file`, "");
    await assertRejects(() => Curves.open(`${folder}/file`), Error, "Cannot make the folder");
  }));

Deno.test("Curves that cannot be written end there, and not the run", () =>
  inFolder(async (folder) => {
    using curves = await Curves.open(`${folder}/tb`);
    await Deno.remove(`${folder}/tb`);
    await Deno.writeTextFile(`${folder}/tb`, "in the way");
    const report = { round: 1, loss: 0.1, seconds: 1 } as RoundReport;
    for (const round of [1, 2]) curves.show({ type: "round-ended", report: { ...report, round } });
    assertMatch(`${curves.failure?.message}`, /^Cannot write event files in \S+\/tb: [^\n]*$/);
    await Deno.remove(`${folder}/tb`);
    curves.show({ type: "round-ended", report: { ...report, round: 3 } });
    assertEquals(await exists(`${folder}/tb`), false);
  }));

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
