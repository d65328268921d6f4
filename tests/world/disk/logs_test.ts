import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AuditLog, openLog } from "../../../mod.ts";
import { DiskMachine } from "./on_disk.ts";

function linesOf(bytes: Uint8Array | undefined): string[] {
  return new TextDecoder().decode(bytes).trimEnd().split("\n");
}

function update(round: number) {
  return { type: "update-received", round, rank: 1, received: 1, expected: 2 } as const;
}

Deno.test("AuditLog on a disk goes on after a torn line, and counts what a full disk takes", async () => {
  const machine = new DiskMachine(), warnings: string[] = [];
  const write = (rounds: number[]) =>
    machine.get(() => {
      const audit = new AuditLog("audit.jsonl", { onWarning: (line) => warnings.push(line) });
      for (const round of rounds) audit.record(update(round));
      // Killed: the log is not closed.
      return Promise.resolve();
    });
  await write([1, 2]);
  {
    using _ = machine.disk.impose({ freeBytes: 30 });
    await write([3]);
  }
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "No space left on device (os error 28)");
  await write([4]);
  const lines = linesOf(machine.disk.read("/audit.jsonl"));
  const whole = lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  assertEquals(lines.length - whole.length, 1);
  assertEquals(whole.map(({ type, round }) => round ?? type), ["opened", 1, 2, "opened", 4]);
  assertEquals(whole[0].time, "2026-01-01T00:00:00.000Z");
});

Deno.test("openLog() on a disk keeps all that a killed process said, and says once that it fails", async () => {
  const machine = new DiskMachine();
  const open = () => openLog({ folder: "log", loggerFile: "serverLog", fileBytes: 2000 });
  const killed = machine.start(async () => {
    const { logger } = open();
    for (let i = 0; i < 20; i++) logger.info(`line ${i}`);
    await new Promise(() => {});
  });
  await machine.run();
  killed.kill();
  const lines = linesOf(machine.disk.read("/log/serverLog.txt"));
  assertMatch(
    lines[0] ?? "",
    /^2026-01-01T00:00:00\.000Z fedlab INFO The log of process 1 begins$/,
  );
  assertEquals(lines.length, 21);
  const said = machine.lines.length;
  await machine.get(() => {
    using fault = machine.disk.impose({ writeErrors: 1 });
    using log = open();
    log.logger.info("lost");
    fault[Symbol.dispose]();
    log.logger.info("lost too");
    return Promise.resolve();
  });
  assertEquals(machine.lines.slice(said).map((line) => line.split(": ")[0]), [
    "Cannot write log/serverLog.txt, the log goes on without it",
    ...[
      "2026-01-01T00:00:00.000Z fedlab INFO lost",
      "2026-01-01T00:00:00.000Z fedlab INFO lost too",
    ],
  ]);
  await machine.get(() => {
    using log = open();
    for (let i = 0; i < 30; i++) log.logger.info(`more ${i}`);
    return Promise.resolve();
  });
  const sizes = machine.disk.paths.map((path) =>
    [path, machine.disk.read(path)?.length ?? 0] as const
  );
  assertEquals(sizes.map(([path]) => path).sort(), ["/log/serverLog.txt", "/log/serverLog.txt.1"]);
  assert(sizes.every(([, size]) => size > 100 && size <= 2000));
});

Deno.test("replaceFile() on a disk leaves the old text or the new one, whenever its machine crashes", async () => {
  const { replaceTextFile } = await import("../../../src/base/files/whole_file.ts");
  const texts = ["a".repeat(5000), "b".repeat(9000)] as const, found = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const machine = new DiskMachine(seed);
    await machine.get(() => replaceTextFile("file", texts[0]));
    await machine.killAfter(() => replaceTextFile("file", texts[1]), 1 + seed % 20);
    machine.disk.crash();
    const text = new TextDecoder().decode(machine.disk.read("/file"));
    assert(texts.some((known) => known === text), text.slice(0, 10));
    found.add(text);
    // The next one leaves nothing beside it.
    await machine.get(() => replaceTextFile("file", texts[0]));
    assertEquals(machine.disk.paths, ["/file"]);
    assertEquals(machine.disk.usedBytes, texts[0].length);
  }
  assertEquals(found.size, 2);
});
