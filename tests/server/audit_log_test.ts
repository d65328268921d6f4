import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { AuditLog, type ServerEvent } from "../../mod.ts";
import type { AuditLogOptions } from "../../src/server/mod.ts";
import { LineLimits } from "../../src/server/line_limits.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Line = Record<string, unknown> & { type: string };

async function linesOf(path: string): Promise<Line[]> {
  const text = await Deno.readTextFile(path);
  assert(text.endsWith("\n"));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

function typesOf(lines: Line[]): string[] {
  return lines.map(({ type }) => type);
}

function joined(rank: number, agent = "test"): ServerEvent {
  const [identity, address] = [`SHA256:key${rank}`, "tcp 10.0.0.7:5123"];
  return {
    ...{ type: "client-joined", rank, identity, name: "north ward", address, agent },
    ...{ numSamples: 60, isBack: false },
  } as ServerEvent;
}

const UPDATE: ServerEvent = {
  ...{ type: "update-received", round: 1, rank: 2, received: 1, expected: 2 },
};

/** Records the events in a new log, as a new process does. */
function record(path: string, events: ServerEvent[], options: AuditLogOptions = {}): void {
  using audit = new AuditLog(path, options);
  for (const event of events) audit.record(event);
}

Deno.test("AuditLog appends one line per action to a file that only its owner can read", () =>
  inFolder(async (folder) => {
    const path = `${folder}/audit.jsonl`;
    const listening: ServerEvent = { type: "listening", address: "127.0.0.1:9000" };
    // Unknown fields of an event are written too.
    const update = { ...UPDATE, numSamples: 60, norm: 1.5 };
    record(path, [listening, joined(2), { type: "joining", progress: "1 of 2" }, update]);
    const lines = await linesOf(path);
    assertEquals(typesOf(lines), ["opened", "listening", "client-joined", "update-received"]);
    for (const { v, time } of lines) {
      assertEquals(v, 1);
      assertMatch(`${time}`, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    assertEquals(lines[3], {
      v: 1,
      time: lines[3]?.time,
      type: "update-received",
      identity: "SHA256:key2",
      round: 1,
      rank: 2,
      received: 1,
      expected: 2,
      numSamples: 60,
      norm: 1.5,
    });
    if (Deno.build.os !== "windows") assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);

    record(path, [joined(1)]);
    const all = await linesOf(path);
    assertEquals(all.slice(0, 4), lines);
    assertEquals(typesOf(all.slice(4)), ["opened", "client-joined"]);
  }));

Deno.test("AuditLog writes no file for a run without connections", () =>
  inFolder(async (folder) => {
    const path = `${folder}/audit.jsonl`;
    record(path, [{ type: "listening", address: "127.0.0.1:9000" }]);
    assertEquals([...Deno.readDirSync(folder)], []);
    record(path, [{ type: "client-refused", address: "tcp 10.0.0.7:1", message: "no" }]);
    assertEquals(typesOf(await linesOf(path)), ["opened", "client-refused"]);
  }));

Deno.test("AuditLog continues after an incomplete line of a killed process", () =>
  inFolder(async (folder) => {
    const path = `${folder}/audit.jsonl`;
    record(path, [joined(1)]);
    await Deno.writeTextFile(path, '{"v":1,"ti', { append: true });
    record(path, [joined(2)]);
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    assertEquals(lines.length, 5);
    assertEquals(lines[2], '{"v":1,"ti');
    assertEquals(JSON.parse(lines[4] ?? "").rank, 2);
  }));

Deno.test("AuditLog shortens the texts of peers and keeps them on one line", () =>
  inFolder(async (folder) => {
    const path = `${folder}/audit.jsonl`;
    const agents = ["x".repeat(5000), "\u754c".repeat(5000), "\u0007\u001b[2J\u202e\n{}"];
    record(path, agents.map((agent, i) => joined(i, agent)));
    const text = await Deno.readTextFile(path);
    assertEquals(/[\p{Cc}\u202e]/u.test(text.replaceAll("\n", "")), false);
    assert(text.length < 2000, `${text.length}`);
    assertEquals((await linesOf(path)).length, 4);
  }));

Deno.test("AuditLog limits the lines that peers cause, counts the others, and writes all updates", () =>
  inFolder(async (folder) => {
    const path = `${folder}/audit.jsonl`;
    const flood: ServerEvent[] = [];
    for (let n = 0; n < 5000; n++) {
      const message = "m".repeat(300), address = `tcp 10.0.0.7:${n}`;
      flood.push({ type: "client-refused", address, message });
      flood.push(joined(n % 3));
      flood.push({ type: "update-refused", rank: 3, fault: "wrong-round", message });
      flood.push(UPDATE);
    }
    record(path, flood);
    const lines = await linesOf(path);
    const count = (type: string) => lines.filter((line) => line.type === type).length;
    assertEquals(
      ["client-refused", "client-joined", "update-refused", "update-received"].map(count),
      [20, 60, 20, 5000],
    );
    const left: Record<string, number> = {};
    for (const { type, counts } of lines) {
      if (type !== "left-out") continue;
      for (const [kind, n] of Object.entries(counts as Record<string, number>)) {
        left[kind] = (left[kind] ?? 0) + n;
      }
    }
    assertEquals(left, { "client-refused": 4980, "client-joined": 4940, "update-refused": 4980 });
  }));

Deno.test("LineLimits allows fewer than 1,500 lines in an hour from any number of peers", () => {
  let millis = 0;
  const limits = new LineLimits(0, () => millis);
  let admitted = 0;
  for (let n = 0; n < 360_000; n++) {
    if (limits.admit(["joined", "refused", "lost"][n % 3] ?? "", n % 5000)) admitted++;
    millis += 10;
  }
  assert(admitted > 1300 && admitted < 1500, `${admitted}`);
  const counts = Object.values(limits.takeLeftOut() ?? {});
  assertEquals(counts.reduce((sum, count) => sum + count), 360_000 - admitted);
  assertEquals(limits.takeLeftOut(), undefined);
});

Deno.test("LineLimits keeps lines for a peer while another one floods", () => {
  const limits = new LineLimits(0, () => 0);
  for (let n = 0; n < 1000; n++) limits.admit("joined", 1);
  assert(limits.admit("joined", 2));
  assert(limits.admit("lost", 1));
});

Deno.test({
  name: "AuditLog warns once that it cannot write, and the run continues",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/is-folder`);
      await Deno.writeTextFile(`${folder}/victim`, "mine");
      await Deno.symlink(`${folder}/victim`, `${folder}/link`);
      for (
        const path of ["/dev/full", `${folder}/is-folder`, `${folder}/none/x`, `${folder}/link`]
      ) {
        const warnings: string[] = [];
        record(path, [joined(1), UPDATE, UPDATE], { onWarning: (text) => warnings.push(text) });
        assertEquals(warnings.length, 1);
        assertMatch(warnings[0] ?? "", /^Cannot write .*, the run goes on without it: /);
      }
      assertEquals(await Deno.readTextFile(`${folder}/victim`), "mine");
    }),
});

Deno.test({
  name: "AuditLog writes the number of missing lines when it can write again",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/late/audit.jsonl`;
      using audit = new AuditLog(path);
      audit.record(joined(1));
      audit.record(UPDATE);
      await Deno.mkdir(`${folder}/late`);
      audit.record(UPDATE);
      const lines = await linesOf(path);
      assertEquals(typesOf(lines), ["opened", "update-received", "not-written"]);
      assertEquals(lines[2]?.count, 2);
    }),
});
