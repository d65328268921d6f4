import { assertEquals } from "jsr:@std/assert@1.0.19";
import { sequencesOf } from "../../src/cli/run/reproduce_texts.ts";
import { TEXT_CASES } from "../../src/cli/run/text_cases.ts";
import { readAuthoredLines } from "../../src/data/text/roles.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROLES = `${Deno.env.get("FEDLAB_DATA") ?? "../shared/data"}/shakespeare/roles.jsonl.gz`;
const hasRoles = await Deno.stat(ROLES).then(() => true, () => false);
if (!hasRoles) console.warn(`skipped: no plays in ${ROLES}`);

Deno.test("cases on texts have the rows of table 2, and names of their own", () => {
  const names = TEXT_CASES.map(({ name }) => name);
  assertEquals([names.length, new Set(names).size], [13, 13]);
  const published = TEXT_CASES.slice(1).map(({ published }) => Number(published));
  assertEquals(published, [3906, 2488, 549, 1635, 597, 613, 164, 460, 152, 401, 41, 192]);
});

Deno.test({
  name: "the daily case has the windows of 100 roles, of the symbols of all",
  ignore: !hasRoles,
  fn: async () => {
    const [daily] = TEXT_CASES;
    const { train, test, ids } = await sequencesOf(
      daily ?? { form: {} },
      await readAuthoredLines(ROLES),
    );
    assertEquals([train.length, test.length, train.numClasses], [6362, 1634, 74]);
    assertEquals(new Set(ids).size, 100);
    const counted = (targets: ArrayLike<number>) =>
      Array.from(targets).filter((label) => label >= 0).length;
    assertEquals([counted(train.targets), counted(test.targets)], [504_964, 126_790]);
  },
});
