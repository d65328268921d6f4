import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { BaseHandler, Logger as StdLogger } from "jsr:@std/log@0.224.14";
import { shortened } from "../../src/base/printable.ts";
import { errorMessage } from "../../src/base/errors.ts";
import { type Logger, openLog, silentLogger } from "../../src/base/log/log.ts";

/**
 * Marks of direction and of no width, a line separator, a tag, and characters that are ignorable by
 * default: the filler of Hangul, the grapheme joiner, variation selectors.
 */
const UNSEEN = [
  ...["\u202e", "\u2067", "\u200e", "\u061c", "\u200b", "\u2028", "\u{e0041}"],
  ...["\u3164", "\u115f", "\uffa0", "\u034f", "\u2065", "\ufe0f", "\u{e0100}", "\u{e0fff}"],
];

Deno.test.sanitizer({ ops: true, resources: true });

/** A folder that is removed at the end of the test. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Runs the log program and gives what it wrote. */
async function runProgram(
  options: Record<string, unknown>,
  permissions: string[],
  cwd: string,
): Promise<{ out: string; errors: string[] }> {
  const program = new URL("../fixtures/log_program.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-lock",
      "--no-prompt",
      "--no-check",
      ...permissions,
      program,
      JSON.stringify(options),
    ],
    cwd,
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return { out: decoder.decode(stdout), errors: decoder.decode(stderr).trimEnd().split("\n") };
}

Deno.test("openLog() writes lines with time, name, level and arguments to a file", async () => {
  await using temporary = await temporaryFolder();
  const folder = `${temporary.path}/deep/log`;
  {
    using log = openLog({
      folder,
      loggerFile: "clientLog",
      rank: 1,
      loggerName: "client-1",
      console: false,
    });
    assertEquals(log.file, `${folder}/clientLog1.txt`);
    log.logger.debug("not at this level");
    log.logger.info("connected to", "127.0.0.1:3001", { worldSize: 3 });
    log.logger.warn("careful");
  }
  const lines = (await Deno.readTextFile(`${folder}/clientLog1.txt`)).split("\n");
  assertEquals(lines.length, 4);
  assertMatch(lines[0] ?? "", /Z client-1 INFO The log of process \d+ begins$/);
  assertMatch(
    lines[1] ?? "",
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z client-1 INFO connected to 127\.0\.0\.1:3001 \{ worldSize: 3 \}$/,
  );
  assertMatch(lines[2] ?? "", /Z client-1 WARN careful$/);
});

Deno.test("openLog() adds to the file of the run before, marks where each begins, and is called fedlab by default", async () => {
  await using temporary = await temporaryFolder();
  const options = { folder: temporary.path, loggerFile: "serverLog", loggerName: "" } as const;
  for (const message of ["first", "second"]) {
    using log = openLog({ ...options, console: false, level: "DEBUG" });
    log.logger.debug(message);
  }
  const text = await Deno.readTextFile(`${temporary.path}/serverLog.txt`);
  assertMatch(
    text,
    /^\S+ fedlab INFO The log of .*\n\S+ fedlab DEBUG first\n\S+ fedlab INFO The log of .*\n\S+ fedlab DEBUG second\n$/,
  );
});

Deno.test("openLog() writes each record at once, whole lines of two logs into one file", async () => {
  await using temporary = await temporaryFolder();
  const options = { folder: temporary.path, loggerFile: "log", console: false } as const;
  using one = openLog({ ...options, loggerName: "one" });
  using two = openLog({ ...options, loggerName: "two" });
  for (let i = 0; i < 50; i++) {
    one.logger.info("a".repeat(100 * i));
    two.logger.warn("b".repeat(100 * i));
    two.logger.error("lost", new RangeError("why"));
  }
  // Neither has ended.
  const lines = Deno.readTextFileSync(one.file ?? "").split("\n");
  const said = lines.filter((line) =>
    /^\S+ (one INFO a*|two WARN b*|two ERROR lost RangeError: why)$/.test(line)
  );
  assertEquals(said.length, 150);
});

Deno.test("openLog() leaves all that a process had logged when it was killed", async () => {
  await using temporary = await temporaryFolder();
  const program = `
    import { openLog } from ${
    JSON.stringify(new URL("../../src/base/log/log.ts", import.meta.url).href)
  };
    const { logger } = openLog({ folder: ".", loggerFile: "log", console: false });
    logger.info("the last words");
    console.log("said");
    setInterval(() => {}, 1000);`;
  await Deno.writeTextFile(`${temporary.path}/program.ts`, program);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  await using process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--no-lock", "--config", config, "program.ts"],
    cwd: temporary.path,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  process.kill("SIGKILL");
  while (!(await reader.read()).done);
  await process.status;
  assertStringIncludes(await Deno.readTextFile(`${temporary.path}/log.txt`), "the last words\n");
});

Deno.test("openLog() lets no message pass for another record or command the terminal", async () => {
  await using temporary = await temporaryFolder();
  {
    using log = openLog({ folder: temporary.path, loggerFile: "log", console: false });
    log.logger.info("peer said \x1b[2J\n2026-01-01T00:00:00.000Z server ERROR forged");
    for (const character of UNSEEN) log.logger.info(`a${character}b`, `c${character}d`);
  }
  const [, ...lines] = (await Deno.readTextFile(`${temporary.path}/log.txt`)).split("\n");
  assertStringIncludes(lines[0] ?? "", "peer said \\x1b[2J");
  assertEquals(lines[1], "  2026-01-01T00:00:00.000Z server ERROR forged");
  const codes = [
    ...["\\u202e", "\\u2067", "\\u200e", "\\u061c", "\\u200b", "\\u2028", "\\u{e0041}"],
    ...[
      "\\u3164",
      "\\u115f",
      "\\uffa0",
      "\\u034f",
      "\\u2065",
      "\\ufe0f",
      "\\u{e0100}",
      "\\u{e0fff}",
    ],
  ];
  assertEquals(lines.slice(2).map((line) => line.split("INFO ")[1] ?? ""), [
    ...codes.map((code) => `a${code}b c${code}d`),
    "",
  ]);
});

Deno.test("errorMessage() gives the beginning of what is very long, and the whole of what is not", () => {
  assertEquals(errorMessage(new Error("x".repeat(4096))), "x".repeat(4096));
  for (const thrown of [new Error("x".repeat(1e6)), "x".repeat(4097)]) {
    assertEquals(errorMessage(thrown), `${"x".repeat(4096)}…`);
  }
  assertEquals(errorMessage("\u001b".repeat(1e6)), `${"\\x1b".repeat(4096)}…`);
});

Deno.test("errorMessage() gives no character that is not seen, and one line", () => {
  assertEquals(errorMessage(new Error("a\n\u202eb\u001b[2J")), "a \\u202eb\\x1b[2J");
  for (const character of UNSEEN) {
    assert(!errorMessage(`a${character}b`).includes(character));
  }
});

Deno.test("shortened() gives a text of at most so many characters, and splits none", () => {
  assertEquals(shortened("abc", 3), "abc");
  assertEquals(shortened("abcd", 3), "ab…");
  assertEquals(shortened("a😀bc", 3), "a…");
  assertEquals(shortened("a😀b", 4), "a😀b");
  assertEquals(shortened("a😀bc", 4), "a😀…");
});

Deno.test("openLog() keeps a full file as its predecessor, and no more than one", async () => {
  await using temporary = await temporaryFolder();
  const options = { folder: temporary.path, loggerFile: "log", console: false, fileBytes: 10_000 };
  {
    using log = openLog(options);
    for (let i = 0; i < 1000; i++) log.logger.info(`line ${i} \u00e9`);
  }
  const files = Array.from(Deno.readDirSync(temporary.path), ({ name }) => name).sort();
  assertEquals(files, ["log.txt", "log.txt.1"]);
  const texts = files.map((name) => Deno.readTextFileSync(`${temporary.path}/${name}`));
  for (const text of texts) assert(new TextEncoder().encode(text).length <= 10_000);
  // Together they are the newest lines, each once.
  const numbers = [...(texts[1] + (texts[0] ?? "")).matchAll(/line (\d+) /g)].map(([, n]) =>
    Number(n)
  );
  assert(numbers.length > 150);
  assertEquals(numbers, numbers.map((_, i) => 1000 - numbers.length + i));
});

Deno.test("openLog() empties a full file that may not be read", async () => {
  await using temporary = await temporaryFolder();
  const { errors } = await runProgram(
    { loggerFile: "log", fileBytes: 100 },
    ["--allow-write=log"],
    temporary.path,
  );
  assertEquals(errors.length, 3);
  const files = Array.from(Deno.readDirSync(`${temporary.path}/log`), ({ name }) => name);
  assertEquals(files, ["log.txt"]);
  const text = Deno.readTextFileSync(`${temporary.path}/log/log.txt`);
  assert(text.length < 200 && text.endsWith(`${errors.at(-1)}\n`));
});

Deno.test("openLog() takes what is logged after its end without a fault", async () => {
  await using temporary = await temporaryFolder();
  const log = openLog({ folder: temporary.path, loggerFile: "log", console: false });
  log.logger.info("in time");
  log[Symbol.dispose]();
  log[Symbol.dispose]();
  for (let i = 0; i < 200; i++) log.logger.error("too late, and long enough to fill a buffer");
  log.flush();
  assertMatch(await Deno.readTextFile(`${temporary.path}/log.txt`), /^.* begins\n.* in time\n$/);
});

Deno.test("openLog() logs to standard error and leaves standard output alone", async () => {
  await using temporary = await temporaryFolder();
  const { out, errors } = await runProgram({ loggerFile: "clientLog", rank: 2 }, [
    "--allow-write=log",
  ], temporary.path);
  assertEquals(out, "result log/clientLog2.txt\n");
  assertEquals(errors.length, 3);
  assertMatch(errors[0] ?? "", /fedlab INFO hello \{ a: 1 \}$/);
  const file = await Deno.readTextFile(`${temporary.path}/log/clientLog2.txt`);
  assertEquals(file.trimEnd().split("\n").slice(1), errors);

  const none = await runProgram({ loggerFile: "" }, [], temporary.path);
  assertEquals(none.out, "result undefined\n");
  assertEquals(none.errors.length, 3);
});

Deno.test("openLog() goes on without a file when writing is not permitted", async () => {
  await using temporary = await temporaryFolder();
  const { out, errors } = await runProgram({ loggerFile: "clientLog" }, [], temporary.path);
  assertEquals(out, "result undefined\n");
  assertEquals(errors.length, 4);
  assertMatch(errors[0] ?? "", /^Cannot write log\/clientLog\.txt.*--allow-write=log$/);
});

Deno.test("openLog() goes on without a file when its folder cannot be made", async () => {
  await using temporary = await temporaryFolder();
  await Deno.writeTextFile(`${temporary.path}/log`, "a file where the folder should be");
  const { errors } = await runProgram({ loggerFile: "x" }, ["--allow-write"], temporary.path);
  assertEquals(errors.length, 4);
  assertMatch(errors[0] ?? "", /^Cannot write log\/x\.txt, the log goes on without it: /);
});

Deno.test({
  name: "openLog() says once that the disk is full, and goes on",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using temporary = await temporaryFolder();
    await Deno.symlink("/dev/full", `${temporary.path}/full.txt`);
    const { out, errors } = await runProgram(
      { loggerFile: "full", folder: "." },
      ["-A"],
      temporary.path,
    );
    assertEquals(out, "result ./full.txt\n");
    assertEquals(errors.length, 4);
    assertEquals(errors.filter((line) => line.startsWith("Cannot write ./full.txt")).length, 1);
    assertMatch(errors.at(-1) ?? "", /ERROR oh again$/);
  },
});

Deno.test("Logger is satisfied by the standard library's, the console and silence", () => {
  const messages: string[] = [];
  class ListHandler extends BaseHandler {
    override log(message: string): void {
      messages.push(message);
    }
  }
  const standard = new StdLogger("app", "WARN", { handlers: [new ListHandler("DEBUG")] });
  const loggers: Logger[] = [standard, silentLogger];
  const _console: Logger = console;
  for (const logger of loggers) {
    logger.debug("d");
    logger.info("i", 1);
    logger.warn("w");
    logger.error("e", new Error("x"));
  }
  assertEquals(messages, ["WARN w", "ERROR e"]);
});
