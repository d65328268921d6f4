import { assert } from "@std/assert";
import { FileContent } from "../../../src/world/disk/file_content.ts";
import { NameJournal } from "../../../src/world/disk/name_journal.ts";
import { newFile, newFolder } from "../../../src/world/disk/node.ts";

Deno.test("VirtualDisk: what a crash may undo is bounded, by number and by bytes", () => {
  const content = new FileContent();
  content.write(0, new Uint8Array(100));
  for (let i = 0; i < 10_000; i++) content.write(i % 50, new Uint8Array(50));
  assert(content.unsynced <= 1000);
  content.resize(100_000);
  for (let i = 0; i < 500; i++) content.write(0, new Uint8Array(100_000));
  // At most a megabyte of replaced bytes.
  assert(content.unsynced <= 11, `${content.unsynced}`);

  const journal = new NameJournal(), folder = newFolder(1, 0o755, 0), file = newFile(2, 0o644, 0);
  const counts: number[] = [];
  for (const heldBytes of [0, 2 ** 20]) {
    journal.syncAll();
    for (let i = 0; i < 5000; i++) {
      journal.apply([{ folder, name: `${i % 7}`, before: file, after: file }], heldBytes);
    }
    counts.push(journal.unsynced);
  }
  assert((counts[0] ?? 0) <= 1000 && (counts[1] ?? 0) <= 16, `${counts}`);
});
