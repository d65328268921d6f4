import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { checkWritable, CommandError, readCommand } from "./options.ts";

Deno.test("readCommand() reads numbers, and has no limit of hours beside one of minutes", () => {
  assertEquals([readCommand([]).seed, readCommand([]).hours], [1, 100]);
  const { seed, hours, minutes } = readCommand(["--seed", "7", "--minutes", "0.5"]);
  assertEquals([seed, hours, minutes], [7, Infinity, 0.5]);
  assertEquals(readCommand(["--hours", "3", "--minutes", "2"]).hours, 3);
  assertEquals(readCommand(["--mutants", "half_open"]).names, ["half_open"]);
});

Deno.test("readCommand() refuses what it cannot use in one line", () => {
  const refused: readonly (readonly [text: string, message: string])[] = [
    ["--seed abc", "Cannot use --seed: expected a number from 0, got abc"],
    ["--seed=-1", "Cannot use --seed: expected a number from 0, got -1"],
    ["--seed=", "Cannot use --seed: expected a number from 0, got nothing"],
    ["--seed 1.5", "Cannot use the seed: expected an integer from 0 to 4294967295, got 1.5"],
    ["--seed 5e9", "Cannot use the seed: expected an integer from 0 to 4294967295, got 5000000000"],
    ["--seed -1", "Option '--seed' argument is ambiguous"],
    ["--hours", "Option '--hours <value>' argument missing"],
    ["--hours x", "Cannot use --hours: expected a number from 0, got x"],
    ["--minutes=", "Cannot use --minutes: expected a number from 0, got nothing"],
    ["--bogus", "Unknown option '--bogus'"],
    ["extra", "Cannot use the argument extra: expected options alone"],
    ["--write=", "Cannot use --write: expected a file"],
    ["--seed 3 --plan run.json", "Cannot use --seed with --plan"],
    ["--replay --steer", "Cannot use --steer with --replay"],
    ["--page run.html --hours 3", "Cannot use --hours with --page"],
    ["--mutants --coverage", "Cannot use --coverage with --mutants"],
  ];
  for (const [text, message] of refused) {
    const error = assertThrows(() => readCommand(text.split(" ")), CommandError, message, text);
    assertEquals(error.message, message);
  }
});

Deno.test("checkWritable() refuses a missing folder and a folder", async () => {
  const folder = await Deno.makeTempDir();
  await checkWritable(`${folder}/run.json`);
  await assertRejects(
    () => checkWritable(`${folder}/none/run.json`),
    CommandError,
    `Cannot write ${folder}/none/run.json: there is no folder ${folder}/none`,
  );
  await assertRejects(() => checkWritable(folder), CommandError, "it is a folder");
  await Deno.remove(folder);
});

Deno.test("the command tells of a mistake in one line, with status 2", async () => {
  const main = new URL("./main.ts", import.meta.url).href;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", "--no-check", main, "--plan", "/none.json"],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(
    [code, new TextDecoder().decode(stderr)],
    [
      2,
      "error: Cannot read /none.json: No such file or directory (os error 2): readfile '/none.json'\n",
    ],
  );
});
