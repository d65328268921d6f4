/** What this project's tests and logger rely on in the two libraries; passes with the originals as with `links/`. */
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "jsr:@std/assert@1.0.19";
import {
  BaseHandler,
  ConsoleHandler,
  FileHandler,
  getLevelByName,
  getLevelName,
  getLogger,
  Logger,
  LogLevels,
  type LogRecord,
  setup,
} from "jsr:@std/log@0.224.14";

Deno.test.sanitizer({ ops: true, resources: true });

/** What the function throws, told without the help of what is tested. */
function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error(`Nothing was thrown by ${fn}`);
}

function refuses(fn: () => unknown, ...parts: string[]): void {
  const error = thrownBy(fn);
  if (!(error instanceof AssertionError)) throw new Error(`No AssertionError: ${error}`);
  for (const part of parts) {
    if (!error.message.includes(part)) throw new Error(`No ${part} in ${error.message}`);
  }
}

class Point {
  #hidden: number;
  constructor(public x: number, hidden = 0) {
    this.#hidden = hidden;
  }
  get hidden(): number {
    return this.#hidden;
  }
}

function cycle(value: number): unknown {
  const node: Record<string, unknown> = { value };
  node.self = { node };
  return node;
}

Deno.test("equal() holds for values that are the same, deeply", () => {
  const pairs: [unknown, unknown][] = [
    [NaN, NaN],
    [0, -0],
    [[1, [2, { a: "b" }]], [1, [2, { a: "b" }]]],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [new Map([[{ k: 1 }, [1]]]), new Map([[{ k: 1 }, [1]]])],
    [new Map([["a", new Set([1])]]), new Map([["a", new Set([1])]])],
    [new Set([[1], [2]]), new Set([[2], [1]])],
    [new Date(5), new Date(5)],
    [/a/gi, /a/gi],
    [new URL("http://a/b"), new URL("http://a/b")],
    [new Float32Array([1, NaN, -0]), new Float32Array([1, NaN, 0])],
    [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer],
    [new Uint8Array([9, 1]).subarray(1), new Uint8Array([1])],
    [new Point(1, 2), new Point(1, 2)],
    [cycle(1), cycle(1)],
    [{ [Symbol.iterator]: 1 }, { [Symbol.iterator]: 1 }],
  ];
  for (const [a, b] of pairs) if (!equal(a, b) || !equal(b, a)) throw new Error(Deno.inspect(a));
});

Deno.test("equal() does not hold for values that differ", () => {
  const pairs: [unknown, unknown][] = [
    [1, "1"],
    [null, undefined],
    [[1, 2], [2, 1]],
    [[1], { 0: 1 }],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 2 }, 1]])],
    [new Set([1, 2]), new Set([1, 3])],
    [new Set([[1]]), new Set([[2]])],
    [new Date(5), new Date(6)],
    [/a/g, /a/i],
    [new URL("http://a/b"), new URL("http://a/c")],
    [new Float32Array([1]), new Float32Array([2])],
    [new Float32Array([1]), new Float32Array([1, 1])],
    [new Float32Array([1]), new Float64Array([1])],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
    [new Error("a"), new Error("b")],
    [new Point(1), { x: 1 }],
    [new Point(1, 2), new Point(1, 3)],
    [cycle(1), cycle(2)],
    [() => 1, () => 1],
  ];
  for (const [a, b] of pairs) if (equal(a, b) || equal(b, a)) throw new Error(Deno.inspect(a));
});

Deno.test("assertEquals() shows what differs", () => {
  assertEquals({ a: [1] }, { a: [1] });
  assertNotEquals({ a: [1] }, { a: [2] });
  refuses(() => assertEquals({ a: 1, b: 2 }, { a: 1, b: 3 }, "figures"), "figures", "2", "3");
  refuses(() => assertEquals("left", "right"), "Values are not equal");
  refuses(() => assertNotEquals([1], [1]), "1");
});

Deno.test("assertEquals() takes a million numbers in its stride", () => {
  const actual = new Float32Array(1_000_000).fill(1);
  assertEquals(actual, actual.slice());
  assertNotEquals(actual, actual.with(999_999, 2));
});

Deno.test("assertions on single values hold and fail as they should", () => {
  const same = {};
  assert("yes");
  assertFalse(0);
  assertExists(0);
  assertStrictEquals(same, same);
  assertNotStrictEquals({}, {});
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1n, 2n);
  assertLessOrEqual("a", "a");
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 1.05, 0.1);
  assertAlmostEquals(NaN, NaN);
  assertStringIncludes("federated", "rate");
  assertMatch("rank 12", /rank \d+/);
  assertArrayIncludes([1, { a: 2 }, NaN], [{ a: 2 }, NaN]);
  assertInstanceOf(new TypeError(), Error);

  refuses(() => assert("", "no text"), "no text");
  refuses(() => assertFalse(1, "one"), "one");
  refuses(() => assertExists(undefined), "undefined");
  refuses(() => assertStrictEquals({}, {}), "reference-equal");
  refuses(() => assertStrictEquals(1, 2));
  refuses(() => assertNotStrictEquals(same, same));
  refuses(() => assertGreater(1, 1), "1 > 1");
  refuses(() => assertGreaterOrEqual(1, 2), "1 >= 2");
  refuses(() => assertLess(NaN, 1), "NaN < 1");
  refuses(() => assertLessOrEqual(2, 1), "2 <= 1");
  refuses(() => assertAlmostEquals(1, 1.001), "1");
  refuses(() => assertAlmostEquals(1, 2, 0.5), "is greater than");
  refuses(() => assertStringIncludes("abc", "d"), '"abc"', '"d"');
  refuses(() => assertMatch("abc", /d/), "/d/");
  refuses(() => assertArrayIncludes([1, 2], [2, 3]), "3");
  refuses(() => assertInstanceOf(5, Date), "Date", "number");
  refuses(() => fail("deliberately"), "deliberately");
  refuses(() => unreachable(), "Unreachable");
});

Deno.test("assertObjectMatch() asks only for what is expected", () => {
  const actual = { a: 1, b: { c: [1, { d: 2, e: 3 }], f: new Point(4) }, m: new Map([["k", 1]]) };
  assertObjectMatch(actual, { b: { c: [1, { d: 2 }] } });
  assertObjectMatch(actual, { b: { f: { x: 4 } }, m: new Map([["k", 1]]) });
  refuses(() => assertObjectMatch(actual, { b: { c: [1, { d: 9 }] } }), "9");
  refuses(() => assertObjectMatch(actual, { z: 1 }), "z");
});

Deno.test("assertThrows() checks class and message, and returns the error", () => {
  const error = new RangeError("too far");
  const throws = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(throws), error);
  assertStrictEquals(assertThrows(throws, RangeError, "far"), error);
  assertStrictEquals(assertThrows(throws, "a reason"), error);
  assertIsError(error, RangeError, /^too/);
  refuses(() => assertThrows(() => 1, "a reason"), "Expected function to throw", "a reason");
  refuses(() => assertThrows(throws, TypeError), "TypeError", "RangeError");
  refuses(() => assertThrows(throws, RangeError, "near"), "near", "too far");
  refuses(() =>
    assertThrows(() => {
      throw "text";
    }, Error), "non-Error");
  refuses(() => assertIsError("text"), "Error object");
});

Deno.test("assertRejects() checks class and message, and resolves with the error", async () => {
  const error = new RangeError("too far");
  const rejects = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(rejects), error);
  assertStrictEquals(await assertRejects(rejects, RangeError, "far"), error);
  const failures = [
    () => assertRejects(() => Promise.resolve(1)),
    () => assertRejects(rejects, TypeError),
    () => assertRejects(rejects, RangeError, "near"),
    () => assertRejects(() => Promise.reject("text"), Error),
    () =>
      assertRejects(() => {
        throw error;
      }),
  ];
  for (const failure of failures) {
    const reason = await failure().then(() => "nothing", (reason: unknown) => reason);
    assertInstanceOf(reason, AssertionError);
  }
});

class ListHandler extends BaseHandler {
  readonly lines: string[] = [];
  override log(message: string): void {
    this.lines.push(message);
  }
}

Deno.test("Logger passes records of its level and above to its handlers", () => {
  const handler = new ListHandler("INFO", {
    formatter: ({ loggerName, levelName, level, msg, args }: LogRecord) =>
      `${loggerName} ${levelName} ${level} ${msg} ${args.join()}`,
  });
  const quiet = new ListHandler("ERROR");
  const logger = new Logger("app", "DEBUG", { handlers: [handler, quiet] });
  assertEquals(logger.debug("d"), "d");
  assertEquals(logger.info({ a: [1, "x"] }, 1, 2), { a: [1, "x"] });
  assertEquals(logger.warn(() => 6 * 7), 42);
  logger.error("e");
  logger.critical("c");
  assertEquals(handler.lines, [
    'app INFO 20 {"a":{"0":1,"1":"x"}} 1,2',
    "app WARN 30 42 ",
    "app ERROR 40 e ",
    "app CRITICAL 50 c ",
  ]);
  assertEquals(quiet.lines, ["ERROR e", "CRITICAL c"]);
  logger.levelName = "CRITICAL";
  assertEquals(logger.level, LogLevels.CRITICAL);
  assertEquals(logger.error(() => fail("not called")), undefined);
});

Deno.test("levels have their numbers and names", () => {
  assertEquals(LogLevels, {
    NOTSET: 0,
    DEBUG: 10,
    INFO: 20,
    WARN: 30,
    ERROR: 40,
    CRITICAL: 50,
  });
  assertEquals(getLevelByName("WARN"), 30);
  assertEquals(getLevelName(40), "ERROR");
  assertThrows(() => new Logger("app", "LOUD" as "INFO"), Error, "LOUD");
});

Deno.test("FileHandler holds lines back until it is flushed, full or told something critical", async () => {
  const filename = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(filename, "before\n");
    const handler = new FileHandler("INFO", { filename, bufferSize: 30 });
    handler.setup();
    const logger = new Logger("app", "INFO", { handlers: [handler] });
    const read = () => Deno.readTextFileSync(filename);
    logger.error("held back");
    assertEquals(read(), "before\n");
    handler.flush();
    assertEquals(read(), "before\nERROR held back\n");
    logger.info("one");
    logger.info("a line that is longer than the buffer is");
    assertStringIncludes(read(), "INFO one\nINFO a line that is longer than the buffer is\n");
    logger.critical("at once");
    assertStringIncludes(read(), "CRITICAL at once\n");
    logger.info("last");
    handler[Symbol.dispose]();
    assertStringIncludes(read(), "INFO last\n");

    const fresh = new FileHandler("INFO", { filename, mode: "w" });
    fresh.setup();
    fresh.destroy();
    assertEquals(read(), "");
    const refusing = new FileHandler("INFO", { filename, mode: "x" });
    assertThrows(() => refusing.setup(), Deno.errors.AlreadyExists);
  } finally {
    await Deno.remove(filename);
  }
});

Deno.test("getLogger() finds what setup() made, and is silent for other names", () => {
  const handler = new ListHandler("DEBUG");
  setup({ handlers: { list: handler }, loggers: { app: { level: "WARN", handlers: ["list"] } } });
  getLogger("app").info("below its level");
  getLogger("app").warn("seen");
  assertEquals(handler.lines, ["WARN seen"]);
  assertEquals(getLogger("another").handlers, []);
  assertStrictEquals(getLogger("another"), getLogger("another"));
  assertInstanceOf(getLogger().handlers[0], ConsoleHandler);
  setup({});
});
