import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import type { RoundReport } from "../../src/round/mod.ts";
import { checkStopping, parseMonitor, RunMonitor } from "../../src/round/record/run_monitor.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Reports of rounds with these figures. */
function rounds(figures: Partial<RoundReport>[]): RoundReport[] {
  return figures.map((figure, i) => ({
    ...{ round: i + 1, cohort: [1], received: 1, dropped: 0, refused: 0, tries: 1, losses: [] },
    ...{ bytesUp: 0, bytesDown: 0, seconds: 0, ...figure },
  }));
}

/** The round after which a monitor stops, and its best round. */
function watch(
  options: ConstructorParameters<typeof RunMonitor>[0],
  figures: Partial<RoundReport>[],
): { stopped?: number; best?: number; reason?: string } {
  const monitor = new RunMonitor(options);
  for (const round of rounds(figures)) {
    monitor.add(round);
    if (monitor.stopped) break;
  }
  const { best, stopped } = monitor;
  return {
    ...(stopped && { stopped: stopped.round, reason: stopped.reason }),
    ...(best && { best: best.round }),
  };
}

const losses = (...values: number[]) => values.map((loss) => ({ loss }));

Deno.test("RunMonitor stops after so many evaluations without an improvement", () => {
  const figures = losses(5, 4, 4.5, 3, 3, 3.1, 2);
  assertEquals(watch({ monitor: "loss", patience: 2 }, figures), {
    stopped: 6,
    best: 4,
    reason: "loss has not improved for 2 evaluations since round 4, where it was 3",
  });
  assertEquals(watch({ monitor: "loss", patience: 3 }, figures), { best: 7 });
  // An improvement by less than the minimum is none, and the round is the best one all the same.
  const small = losses(5, 4.9, 4.8, 4.7, 4.6);
  assertEquals(watch({ monitor: "loss", patience: 2, minDelta: 0.5 }, small).stopped, 3);
  assertEquals(watch({ monitor: "loss", patience: 2, minDelta: 0.5 }, small).best, 3);
  // Small improvements add up.
  assertEquals(watch({ monitor: "loss", patience: 2, minDelta: 0.15 }, small).stopped, undefined);
});

Deno.test("RunMonitor counts evaluations, not rounds", () => {
  const figures = [{ accuracy: 0.5 }, {}, {}, { accuracy: 0.4 }, {}, { accuracy: 0.3 }];
  assertEquals(watch({ monitor: "accuracy", patience: 2 }, figures).stopped, 6);
});

Deno.test("RunMonitor knows the direction of a metric by its name", () => {
  for (const name of ["loss", "trainLoss", "logLoss", "rmse", "mae", "brier", "calibrationError"]) {
    assertEquals(parseMonitor(name).isLowerBetter, true, name);
  }
  for (const name of ["accuracy", "balancedAccuracy", "rocAuc", "averagePrecision", "f1", "r2"]) {
    assertEquals(parseMonitor(name).isLowerBetter, false, name);
  }
  assertEquals(parseMonitor("drift:min"), { metric: "drift", isLowerBetter: true });
  assertThrows(() => parseMonitor("drift"), RangeError, "drift:min or drift:max");
});

Deno.test("RunMonitor stops when a metric has reached its value, in its direction", () => {
  const figures = [0.2, 0.1, 0.05].map((rmse, i) => ({ loss: 1, metrics: { rmse, r2: i / 10 } }));
  assertEquals(watch({ stopAt: { metric: "rmse", value: 0.1 } }, figures).stopped, 2);
  assertEquals(watch({ stopAt: { metric: "r2", value: 0.2 } }, figures), {
    stopped: 3,
    reason: "r2 of 0.2 has reached 0.2",
    best: 1,
  });
  assertEquals(watch({ stopAt: { metric: "r2", value: 0.3 } }, figures).stopped, undefined);
});

Deno.test("RunMonitor without options finds the best accuracy, or the best loss, and never stops", () => {
  const figures = [{ loss: 1, accuracy: 0.5 }, { loss: 2, accuracy: 0.75 }, {
    loss: 0.5,
    accuracy: 0.6,
  }];
  assertEquals(watch({}, figures), { best: 2 });
  assertEquals(watch({}, losses(3, 1, 2)), { best: 2 });
  assertEquals(watch({}, [{}, { trainLoss: 1 }]), {});
});

Deno.test("RunMonitor refuses a metric that the evaluation does not have", () => {
  assertThrows(
    () => watch({ monitor: "rocAuc" }, [{}, { loss: 1, accuracy: 0.5, metrics: { f1: 1 } }]),
    RangeError,
    "Cannot monitor rocAuc: expected it among the figures of round 2, got loss, accuracy, f1",
  );
  // A client that declines later does not end the run.
  const figures = [{ loss: 1, metrics: { rocAuc: 0.5 } }, { loss: 1 }, { loss: 1 }];
  assertEquals(watch({ monitor: "rocAuc", patience: 1 }, figures), { best: 1 });
});

Deno.test("checkStopping() names what is out of range", () => {
  for (
    const [options, message] of [
      [{ patience: 0 }, "expected a patience from 1, got 0"],
      [{ minDelta: -1 }, "expected a minimum delta from 0, got -1"],
      [{ stopAt: { metric: "loss", value: NaN } }, "expected a finite loss to stop at, got NaN"],
      [{ monitor: "speed" }, "Cannot monitor speed"],
    ] as const
  ) {
    assertThrows(() => checkStopping(options, "Cannot run", undefined), RangeError, message);
  }
});
