import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../src/base/random.ts";
import type { RawTable } from "../../../src/data/formats/raw_table.ts";
import { tableOf } from "../../../src/data/schema/table_of.ts";
import { answerQuestion } from "../../../src/data/statistics/answer.ts";
import { fitSchema, surveyForSchema } from "../../../src/data/statistics/fit_schema.ts";
import { Survey } from "../../../src/data/statistics/survey.ts";
import type { SurveyResult } from "../../../src/data/statistics/survey_options.ts";
import { checkMessage, MessageCode } from "../../../src/wire/message_code.ts";
import type { Message, StatisticsAnswer } from "../../../src/wire/messages.ts";

const OPTIONS = { missing: { "": { policy: "median" } }, standardize: true } as const;

const TABLES: Record<string, RawTable> = {
  "rank 1": tableOf("a", {
    age: Array.from({ length: 40 }, (_, i) => i % 7 === 0 ? null : 1.5 * i),
    sex: Array.from({ length: 40 }, (_, i) => "mf"[i % 2]),
    ill: Array.from({ length: 40 }, (_, i) => ["no", "yes"][i % 2]),
  }),
  "rank 2": tableOf("b", {
    age: Array.from({ length: 10 }, (_, i) => 10 * i - 0.5),
    sex: new Array(10).fill("m"),
    ill: new Array(10).fill("no"),
  }),
};

const VALUES = [-1, 0, 1, 2, 39, 40, 41, 1e6, 2 ** 41, -1e300, 1e300, 0.5, "", "age", null, [], {}];

/** Changes one value, at any depth, or removes it. */
function spoil(value: unknown, random: Random): unknown {
  if (value === null || typeof value !== "object" || random.below(6) === 0) {
    return VALUES[random.below(VALUES.length)];
  }
  const keys = Object.keys(value);
  const key = keys[random.below(Math.max(1, keys.length))];
  if (key === undefined) return VALUES[random.below(VALUES.length)];
  const copy: Record<string, unknown> = Array.isArray(value) ? [...value] as never : { ...value };
  if (random.below(8) === 0) delete copy[key];
  else copy[key] = spoil(copy[key], random);
  return copy;
}

/** Takes an answer as it comes over the wire. */
function received(answer: unknown): StatisticsAnswer {
  const message: Message = checkMessage(MessageCode.Statistics, { id: 1, answer });
  assert(message.code === MessageCode.Statistics);
  return message.payload.answer;
}

/** Runs a survey in which one answer of rank 1 is spoiled. */
function surveyWith(random: Random): SurveyResult {
  const survey = new Survey(Object.keys(TABLES), surveyForSchema(OPTIONS));
  const course = survey.run();
  const when = random.below(4);
  let step = course.next();
  for (let pass = 0; !step.done; pass++) {
    assert(pass < 100, "a survey ends whatever is answered");
    const answers = new Map<string, StatisticsAnswer>();
    for (const [name, question] of step.value) {
      const table = TABLES[name];
      assert(table);
      const answer = answerQuestion(table, question, { minCount: 2 });
      const isSpoiled = name === "rank 1" && pass === when;
      const sent = isSpoiled ? received(spoil(answer, random)) : answer;
      survey.check(name, question, sent);
      answers.set(name, sent);
    }
    step = course.next(answers);
  }
  return step.value;
}

Deno.test("a spoiled answer is refused, or makes a schema of finite figures", () => {
  let refused = 0, made = 0;
  for (let seed = 0; seed < 2000; seed++) {
    try {
      const { schema } = fitSchema(surveyWith(new Random(seed, "test")), OPTIONS);
      // JSON has null for what is not finite.
      assertEquals(JSON.parse(JSON.stringify(schema)), schema);
      made++;
    } catch (error) {
      const isNamed = error instanceof Error && /^(ProtocolError|RangeError)$/.test(error.name);
      assert(isNamed, `seed ${seed}: ${error instanceof Error ? error.stack : error}`);
      assert(!error.message.includes("\n"));
      refused++;
    }
  }
  assert(refused > 1000 && made > 50, `${refused} refused, ${made} made`);
});
