/**
 * Twenty banks learn what their customers want, without showing each other a question: first a head
 * on a pretrained encoder that each of them has, then adapters of its last two layers.
 *
 *     deno task intents
 *
 * Arguments: the number of rounds of the head (default 20), that of the adapters (default 10), the
 * folder of the model (default: a new one in runs), and the number of questions to take (default:
 * all). README.md says what is needed and what comes out.
 */
import {
  initialParameters,
  type ModelDescription,
  type ParameterVector,
  Simulation,
  SyncParameterServerHandler,
  type TrainSettings,
} from "@fedlab/core";
import { writePeft } from "@fedlab/core/encoder";
import {
  ADAPTER_PLAN,
  adapterModel,
  BASE,
  HEAD_PLAN,
  headModel,
  type Questions,
  readQuestions,
  warmStart,
} from "./settings.ts";

const USAGE = "Usage: main.ts [HEAD_ROUNDS [ADAPTER_ROUNDS [FOLDER [QUESTIONS]]]]";
const SEED = 1;
const [headText = "20", adapterText = "10", givenFolder, questionsText] = Deno.args;
const [headRounds, adapterRounds] = [countFrom(headText), countFrom(adapterText)];
const most = questionsText === undefined ? undefined : countFrom(questionsText);

const questions = await readQuestions(SEED, most).catch((error) => {
  console.error(error.message);
  Deno.exit(1);
});
const { classes, train, test, parts } = questions;
console.log(
  `${train.length} questions of ${parts.length} banks, ${classes.length} intents, ${test.length} to test on`,
);

const head = headModel(classes.length);
const { parameters, accuracy: headAccuracy } = await federate("head", {
  model: head,
  initial: await initialParameters(head, SEED),
  plan: HEAD_PLAN,
  rounds: headRounds,
});

const model = adapterModel(classes.length);
const adapted = await federate("adapters", {
  model,
  initial: await warmStart(model, parameters, SEED),
  plan: ADAPTER_PLAN,
  rounds: adapterRounds,
});

await Deno.mkdir("runs", { recursive: true });
const folder = givenFolder ?? await Deno.makeTempDir({ dir: "runs", prefix: "intents-" });
await writePeft(folder, model, adapted.parameters, { classes });
await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(model));
console.log(`model in ${folder}`);
console.log(
  `accuracy ${percent(headAccuracy)} of the head, ${percent(adapted.accuracy)} with adapters`,
);

interface Federation {
  readonly model: ModelDescription;
  readonly initial: Awaited<ReturnType<typeof initialParameters>>;
  readonly plan: Partial<TrainSettings>;
  readonly rounds: number;
}

/** Trains with all banks in each round, and prints the accuracy after each. */
async function federate(
  what: string,
  { model, initial, plan, rounds }: Federation,
): Promise<{ readonly parameters: ParameterVector; readonly accuracy: number }> {
  const handler = new SyncParameterServerHandler({ ...initial, model, plan, seed: SEED });
  const { train, test, parts }: Questions = questions;
  let accuracy = 0;
  // One worker: each would compute the outputs of the frozen layers for all texts.
  await new Simulation(handler, {
    ...{ train, test, parts, rounds, base: BASE, workers: 1 },
    onEvent(event) {
      if (event.type !== "round-ended") return;
      accuracy = event.report.accuracy ?? NaN;
      console.log(`${what}, round ${event.report.round}: accuracy ${percent(accuracy)}`);
    },
  }).run();
  return { parameters: handler.parameters, accuracy };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

function countFrom(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  console.error(USAGE);
  Deno.exit(2);
}
