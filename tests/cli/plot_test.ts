import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import type { RoundReport, RunReport } from "../../mod.ts";
import { accuracyChart, curvesChart, type CurvesOptions } from "../../src/round/display/curves.ts";
import { runsCsv } from "../../src/cli/output/rounds_csv.ts";
import { runNames } from "../../src/cli/run/run_names.ts";
import { toJson } from "../../src/cli/run/run_folder.ts";
import { runSummary } from "../../src/cli/output/run_summary.ts";
import { bytes } from "../../src/display/amounts.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function reportOf(strategy: string, rounds: readonly Partial<RoundReport>[]): RunReport {
  return {
    schema: "fedlab.run/1",
    seed: 1,
    strategy,
    transport: "simulation",
    worldSize: 3,
    kernels: "simd128",
    rounds: rounds.map((round, i) => ({
      round: i + 1,
      cohort: [1],
      received: 1,
      dropped: 0,
      refused: 0,
      tries: 1,
      losses: [],
      bytesUp: 1000,
      bytesDown: 3000,
      seconds: 0.5,
      ...round,
    })),
    modelDigest: "00",
    seconds: 2,
  };
}

const A = reportOf("fedavg", [
  { accuracy: 0.25, loss: 2 },
  { loss: 1.5 },
  { accuracy: 0.75, loss: 0.5 },
  { accuracy: 0.5, loss: 1 },
]);
const B = reportOf("fedadam", [{ accuracy: 0.5, loss: 1.25 }, { accuracy: 0.5, loss: 1.75 }]);
const RUNS = [{ name: "first <a>", report: A }, { name: "second & b", report: B }];

interface Point {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly isBest: boolean;
}

/** The dots of each line, then the marks of the best. */
function pointsOf(svg: string): Point[] {
  const circle = /<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+"([^>]*)><title>([^<]*)<\/title>/g;
  return Array.from(svg.matchAll(circle), ([, x, y, rest = "", title = ""]) => ({
    x: Number(x),
    y: Number(y),
    title,
    isBest: rest.includes('class="best"'),
  }));
}

/** Positions of the labels of an axis. */
function ticksOf(svg: string, anchor: "end" | "middle"): Map<string, number> {
  const text = /<text x="([\d.]+)" y="([\d.]+)" text-anchor="(end|middle)">([^<]*)<\/text>/g;
  const found = [...svg.matchAll(text)].filter((match) => match[3] === anchor);
  return new Map(
    // The label of a horizontal line stands a little below it.
    found.map((
      match,
    ) => [match[4] ?? "", anchor === "end" ? Number(match[2]) - 4 : Number(match[1])]),
  );
}

Deno.test("curvesChart() draws a line a run, with the same scale as the ticks", () => {
  const svg = curvesChart(RUNS);
  assert(!/&(?!amp;|lt;|gt;|quot;)/.test(svg));
  assertEquals(svg.match(/<path /g)?.length, 2);
  const dots = pointsOf(svg).filter(({ isBest }) => !isBest);
  assertEquals(dots.map(({ title }) => title), [
    "first &lt;a&gt;, round 1: 25%",
    "first &lt;a&gt;, round 3: 75%",
    "first &lt;a&gt;, round 4: 50%",
    "second &amp; b, round 1: 50%",
    "second &amp; b, round 2: 50%",
  ]);
  const across = ticksOf(svg, "middle"), up = ticksOf(svg, "end");
  assertEquals(dots.map(({ x }) => x), [1, 3, 4, 1, 2].map((round) => across.get(`${round}`)));
  const half = up.get("50%") ?? NaN;
  assertEquals(dots.filter(({ title }) => title.endsWith("50%")).map(({ y }) => y), [
    half,
    half,
    half,
  ]);
  const high = dots.find(({ title }) => title.endsWith("75%"))?.y ?? NaN;
  const low = dots.find(({ title }) => title.endsWith("25%"))?.y ?? NaN;
  assert(Math.abs(low - half - (half - high)) < 0.2 && high < half);
});

Deno.test("curvesChart() marks the best of each line, the first of equal ones, and says it in the legend", () => {
  const best = (options: CurvesOptions) =>
    pointsOf(curvesChart(RUNS, options)).filter(({ isBest }) => isBest).map(({ title }) =>
      title.slice(title.indexOf(",") + 2)
    );
  assertEquals(best({}), ["round 3: 75%", "round 1: 50%"]);
  assertEquals(best({ metric: "loss" }), ["round 3: 0.5000", "round 1: 1.250"]);
  assertEquals(best({ over: "seconds" }), ["1.50 s: 75%", "0.500 s: 50%"]);
  // A round without the figure has sent its bytes all the same.
  assertEquals(best({ over: "bytes" }), [`${bytes(12000)}: 75%`, `${bytes(4000)}: 50%`]);
  const text = curvesChart(RUNS).replaceAll(/<\/?tspan[^>]*>/g, "");
  assert(text.includes("second &amp; b: best 50% at round 1</text>"), text);
});

Deno.test("curvesChart() keeps within the picture whatever the values, and colours many runs apart", () => {
  const one = (accuracy: number) => reportOf("x", [{ accuracy, loss: 1e6 * accuracy }]);
  for (const accuracy of [0, 0.5, 1]) {
    for (const metric of ["accuracy", "loss"] as const) {
      const svg = curvesChart([{ name: "x", report: one(accuracy) }], { metric });
      assert(!svg.includes("NaN") && !svg.includes("Infinity"), svg);
      for (const { x, y } of pointsOf(svg)) assert(x >= 76 && x <= 732 && y >= 48 && y <= 368);
      if (metric === "accuracy") {
        for (const label of ticksOf(svg, "end").keys()) assert(parseFloat(label) <= 100);
      }
    }
  }
  const many = Array.from({ length: 20 }, (_, i) => ({ name: `${i}`, report: A }));
  const looks = Array.from(
    curvesChart(many).matchAll(/<path [^>]*(stroke=".*)\/>/g),
    ([, look]) => look,
  );
  assertEquals(new Set(looks).size, 20);
});

Deno.test("curvesChart() names the run that does not have the figure", () => {
  assertThrows(
    () => curvesChart(RUNS, { metric: "client-accuracy" }),
    RangeError,
    "Cannot plot first <a>: expected rounds with mean accuracy of the clients, got none",
  );
});

Deno.test("accuracyChart() is the chart of one run", () => {
  const svg = accuracyChart(A);
  assertEquals(svg.match(/<path /g)?.length, 1);
  assert(svg.includes("<title>Accuracy by round: fedavg, 2 clients, seed 1</title>"));
});

Deno.test("runsCsv() has all rounds of all runs, with quotes where they are needed", () => {
  const [head, ...lines] = runsCsv([{ name: 'a, "b"', report: A }, { name: "c", report: B }])
    .trimEnd().split("\n");
  assertEquals(
    head,
    "run,strategy,seed,round,loss,accuracy,trainLoss,received,bytesUp,bytesDown,seconds," +
      "clientsAccuracy,clientsWorstDecile,clientsLoss",
  );
  assertEquals(lines.length, 6);
  assertEquals(lines[1], '"a, ""b""",fedavg,1,2,1.5,,,1,1000,3000,0.5,,,');
  assertEquals(lines[5], "c,fedadam,1,2,1.75,0.5,,1,1000,3000,0.5,,,");
});

Deno.test("toJson() has a list of numbers on one line, and is the same JSON", () => {
  const value = { a: [[1, -2.5e-7], [null, 3]], text: ["[\n 1,\n 2\n]", "x"], empty: [] };
  const json = toJson(value);
  assertEquals(JSON.parse(json), value);
  assert(json.includes("[1, -2.5e-7],\n"), json);
  assert(json.includes("[null, 3]"), json);
});

Deno.test("curvesChart() has long times in whole seconds", () => {
  const report = reportOf("fedavg", [{ accuracy: 0.5, seconds: 12.34 }, {
    accuracy: 0.75,
    seconds: 2460.2,
  }]);
  const chart = curvesChart([{ name: "a", report }], { over: "seconds" });
  for (const words of [">a, 12.3 s: 50%<", ">a, 2473 s: 75%<", "</tspan> at 2473 s<"]) {
    assert(chart.includes(words), chart);
  }
});

Deno.test("runSummary() has the bytes of all rounds", () => {
  assert(runSummary(A).includes("4.0 kB up, 12.0 kB down"), runSummary(A));
});

Deno.test("runSummary() has the last known accuracy and its round, whatever was evaluated since", () => {
  const rounds = [{ accuracy: 0.5 }, { accuracy: 0.75 }, {}];
  const report = reportOf("fedavg", rounds);
  const stopped = "accuracy 75.00% after round 2, the last that was evaluated\n";
  assert(runSummary(report).includes(stopped), runSummary(report));
  const whole = {
    ...reportOf("fedavg", rounds.slice(0, 2)),
    final: { loss: 1, accuracy: 0.75, samples: 297 },
  };
  assert(runSummary(whole).includes("accuracy 75.00% on 297 samples after round 2, "));
});

Deno.test("simulate --evaluate both --tensorboard, then plot: report, event file, picture and table", () =>
  inFolder(async (folder) => {
    const { code, stdout, stderr } = await runCommand("simulate", [
      ...[
        "--data",
        "digits",
        "--clients",
        "4",
        "--cohort-size",
        "2",
        "--rounds",
        "2",
        "--workers",
        "1",
      ],
      ...["--evaluate", "both", "--tensorboard", "curves", "--out", "mine"],
    ], folder);
    assertEquals(code, 0, stderr);
    assert(/accuracy of 4 clients [\d.]+% \(mean\), [\d.]+% \(worst tenth\)/.test(stdout), stdout);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/mine/report.json`));
    assertEquals(report.final?.clients, report.rounds[1]?.clients);
    assertEquals(report.final?.confusion?.flat().reduce((a, b) => a + b), report.final?.samples);
    const [events] = Deno.readDirSync(`${folder}/curves`);
    const text = new TextDecoder("latin1").decode(
      await Deno.readFile(`${folder}/curves/${events?.name}`),
    );
    for (
      const tag of [
        "loss",
        "accuracy",
        "trainLoss",
        "bytesUp",
        "clients/worstDecile",
        "metrics/rocAuc",
        "trainMetrics/accuracy",
      ]
    ) {
      assertEquals(text.split(`\n${String.fromCharCode(tag.length)}${tag}\x15`).length, 3, tag);
    }

    const plotted = await runCommand("plot", [
      ...[
        "mine",
        "./mine/report.json",
        "--out",
        "p.svg",
        "--csv",
        "p.csv",
        "--metric",
        "worst-clients",
      ],
    ], folder);
    assertEquals(plotted.code, 0, plotted.stderr);
    assert((await Deno.readTextFile(`${folder}/p.svg`)).includes(">fedavg, mine (2): best "));
    assertEquals((await Deno.readTextFile(`${folder}/p.csv`)).trimEnd().split("\n").length, 5);
  }));

Deno.test("plot says in one line what is wrong, and with which file", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/bad.json`, "{");
    await Deno.writeTextFile(`${folder}/other.json`, '{"schema":"fedlab.run/1","rounds":[null]}');
    for (
      const [args, status, message] of [
        [["none.json", "--out", "x.svg"], 1, "Cannot read the run none.json: "],
        [["bad.json", "--out", "x.svg"], 1, "Cannot read the run bad.json: "],
        [["other.json", "--out", "x.svg"], 1, 'other.json: expected a report "fedlab.run/1"'],
        [["bad.json"], 2, "expected --out or --csv"],
      ] as const
    ) {
      const { code, stderr } = await runCommand("plot", [...args], folder);
      assertEquals([code, stderr.trimEnd().split("\n").length], [status, 1], stderr);
      assert(stderr.includes(message), stderr);
    }
  }));

Deno.test("runNames() tells runs apart that are called alike", () => {
  const named = (...paths: string[]) =>
    runNames(paths.map((path) => ({ path, strategy: "fedavg" })));
  assertEquals(named("runs/a/report.json", "b.json"), ["fedavg, a", "fedavg, b"]);
  assertEquals(named("1/run/report.json", "./2/run/report.json", "c/report.json"), [
    "fedavg, 1/run",
    "fedavg, 2/run",
    "fedavg, c",
  ]);
  assertEquals(named("run/report.json", "x/run/report.json"), ["fedavg, run", "fedavg, x/run"]);
  assertEquals(named("a.json", "a.json", "report.json"), [
    "fedavg, a (1)",
    "fedavg, a (2)",
    "fedavg, report",
  ]);
  assertEquals(named("fedavg.json"), ["fedavg"]);
});
