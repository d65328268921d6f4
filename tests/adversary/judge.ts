import {
  DEFAULT_PLAN,
  type ParameterVector,
  parseStrategy,
  type RoundReport,
  type Strategy,
} from "../../mod.ts";
import type { Act, Member } from "./member.ts";
import { keyOf } from "./member.ts";
import { honestUpdate } from "./honest.ts";
import type { TakenUpdate } from "./recorder.ts";
import type { Violation } from "./violation.ts";
import {
  honestRanks,
  isAsync,
  isBounded,
  quorumOf,
  type Settings,
  strategyText,
  wantedUpdates,
} from "./settings.ts";
import { checkRobust } from "./robust.ts";

/** What the end of a round may be late by on a busy machine. */
export const SLACK_SECONDS = 0.5;
/**
 * The words of a report for those who were too late where a cohort was chosen larger than needed.
 */
const OTHERS_WERE_FIRST = /others were first/;
/** How long a round of so many tries may take, or a version of the model. */
export function roundLimitSeconds(settings: Settings, tries: number): number {
  const { roundSeconds, evaluates, hostile, clients, stagingBuffers } = settings;
  const evaluations = evaluates === "clients" ? 1 : 0;
  // Without rounds hostile members may have all of the tasks for a while. And who waits for a
  // buffer is not late: one after the other may keep it waiting.
  const inRow = isAsync(settings)
    ? 2 + 2 * hostile.length
    : clients > stagingBuffers
    ? hostile.length
    : 1;
  return roundSeconds * (tries * inRow + evaluations) + SLACK_SECONDS;
}

function actText({ rank, question, choice }: Act): string {
  const { act, ...rest } = choice;
  const details = Object.entries(rest).map(([key, value]) => `${key} ${value}`).join(", ");
  return `rank ${rank}${question === "train" ? "" : ` (${question})`}: ${act}${
    details && ` (${details})`
  }`;
}

/**
 * Judges the rounds of a run as they end, beside a second strategy that is fed with what the honest
 * clients must have sent.
 */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #settings: Settings;
  readonly #honest: readonly number[];
  readonly #members: readonly Member[];
  readonly #strategy: Strategy | undefined;
  #global: ParameterVector;
  #isLost = false;

  constructor(settings: Settings, initial: ParameterVector, members: readonly Member[]) {
    this.#settings = settings;
    this.#honest = honestRanks(settings);
    this.#members = members;
    this.#strategy = isAsync(settings) ? undefined : parseStrategy(strategyText(settings));
    this.#global = initial.slice();
  }

  /** A round is over, with these parameters, made of these updates. */
  judge(
    report: RoundReport,
    parameters: ParameterVector,
    taken: ReadonlyMap<number, TakenUpdate>,
    lagSeconds: number,
  ): void {
    this.#judgeTime(report, lagSeconds);
    this.#judgeLosses(report);
    if (!parameters.every(Number.isFinite)) this.#add("d", report, "the model is not finite");
    if (this.#strategy === undefined) return;
    this.#judgeCounts(report);
    if (!this.#isLost) this.#judgeModel(report, parameters, taken);
  }

  /** What the members did in a round, for an account of it. */
  actsOf(round: number): string {
    const acts = this.#members.flatMap(({ acts }) => acts.filter((act) => act.round === round));
    return acts.length === 0 ? "nobody did anything" : acts.map(actText).join("; ");
  }

  /**
   * A member that sent values that are far too large, at least that long before the end, must be
   * named somewhere.
   */
  judgeNames(rounds: readonly RoundReport[], before: number): void {
    const named = new Set(
      rounds.flatMap(({ losses, outliers = [] }) =>
        [...losses, ...outliers].map(({ rank }) => rank)
      ),
    );
    for (const { rank, acts } of this.#members) {
      const act = acts.find(({ question, choice, at }) =>
        question === "train" && choice.act === "huge" && at < before
      );
      if (act === undefined || named.has(rank)) continue;
      this.violations.push({
        invariant: "f",
        text: `hostile rank ${rank} is named in no report [${actText(act)}]`,
      });
    }
  }

  #add(invariant: Violation["invariant"], { round }: RoundReport, text: string): void {
    this.violations.push({
      invariant,
      text: `round ${round}: ${text} [${this.actsOf(round)}]`,
    });
  }

  #judgeTime(report: RoundReport, lagSeconds: number): void {
    const limit = roundLimitSeconds(this.#settings, report.tries) + 2 * lagSeconds;
    if (report.seconds <= limit) return;
    this.#add(
      "g",
      report,
      `it took ${report.seconds.toFixed(2)} s in ${report.tries} tries, expected at most ${
        limit.toFixed(2)
      }`,
    );
  }

  #judgeLosses(report: RoundReport): void {
    const { losses, received } = report;
    for (const { rank, reason } of losses) {
      if (!this.#honest.includes(rank)) continue;
      const isByDesign = OTHERS_WERE_FIRST.test(reason) &&
        received >= wantedUpdates(this.#settings);
      if (!isByDesign) this.#add("a", report, `honest rank ${rank} was lost: ${reason}`);
    }
  }

  #judgeCounts(report: RoundReport): void {
    const { cohort, received, losses } = report;
    const lost = losses.filter(({ rank }) => cohort.includes(rank)).map(({ rank }) => rank);
    if (received + lost.length !== cohort.length) {
      this.#add(
        "f",
        report,
        `${received} of ${cohort.length} updates were received, but ${lost.length} are named as lost`,
      );
    }
    const { fraction, overSelection } = this.#settings;
    if (received < quorumOf(this.#settings)) {
      this.#add(
        "c",
        report,
        `it went on with ${received} updates, below the quorum of ${quorumOf(this.#settings)}`,
      );
    }
    if (fraction === 1 && overSelection === 0) {
      for (const rank of this.#honest) {
        if (!cohort.includes(rank)) this.#add("a", report, `honest rank ${rank} was left out`);
      }
    }
  }

  #judgeModel(
    report: RoundReport,
    parameters: ParameterVector,
    taken: ReadonlyMap<number, TakenUpdate>,
  ): void {
    const strategy = this.#strategy;
    if (strategy === undefined) return;
    const { round, cohort, losses } = report;
    const global = this.#global;
    const { rule } = strategy.clientSettings ?? {};
    const ranks = cohort.filter((rank) => !losses.some((loss) => loss.rank === rank));
    const updates: TakenUpdate[] = [];
    for (const rank of ranks) {
      const update = taken.get(rank);
      if (update === undefined) {
        this.#add("d", report, `rank ${rank} counts as received, but nothing was taken in of it`);
        continue;
      }
      updates.push(update);
      if (this.#honest.includes(rank)) {
        const expected = honestUpdate(global, { rank, round, rule: rule?.name });
        if (!update.parameters.every((x, i) => x === expected[i])) {
          this.#add("d", report, `what was taken in of honest rank ${rank} is not what it sent`);
        }
      } else {
        const key = keyOf(update.parameters);
        const member = this.#members.find((member) => member.rank === rank);
        if (!member?.sent.get(round)?.has(key)) {
          this.#add("d", report, `what was taken in of hostile rank ${rank} is not what it sent`);
        }
        const isSound = Number.isSafeInteger(update.numSamples) && update.numSamples > 0 &&
          !(member?.huge.has(key) && isBounded(this.#settings));
        if (!isSound) {
          this.#add("f", report, `the update of hostile rank ${rank} was taken in`);
        }
      }
    }
    const plan = {
      ...DEFAULT_PLAN,
      ...strategy.clientSettings?.defaults,
      ...withoutDefaults(strategy),
    };
    const { clients: numClients, aggregation } = this.#settings;
    try {
      const turn = strategy.begin(global, {
        ...{ round, numClients, plan, aggregation },
        untrained: [],
      });
      for (const update of updates) turn.accept(update);
      const expected = turn.finish();
      const at = expected.findIndex((x, i) => !Object.is(x, parameters[i]));
      if (at >= 0) {
        this.#isLost = true;
        this.#add(
          "d",
          report,
          `value ${at} of the model is ${parameters[at]}, expected ${
            expected[at]
          } of the updates received`,
        );
      }
    } catch (error) {
      this.#isLost = true;
      this.#add("d", report, `the updates received give no model: ${error}`);
    }
    const honest = updates.filter(({ rank }) => this.#honest.includes(rank));
    const trouble = checkRobust(this.#settings, honest, updates.length, parameters);
    if (trouble !== undefined) this.#add("d", report, trouble);
    this.#global = parameters.slice();
  }
}

function withoutDefaults({ clientSettings = {} }: Strategy) {
  const { defaults: _, ...settings } = clientSettings;
  return settings;
}
