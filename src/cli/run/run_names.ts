/** Run with the path of its report. */
export interface ReportedRun {
  readonly path: string;
  readonly strategy: string;
}

/**
 * Names runs by their strategy and the name of their report, or of its folder where the report is
 * called `report.json`. Runs with equal names are distinguished by further folders of their paths,
 * or by numbers.
 */
export function runNames(runs: readonly ReportedRun[]): string[] {
  const steps = runs.map(({ path }) => stepsOf(path));
  const counts = runs.map(() => 1);
  for (;;) {
    const names = runs.map(({ strategy }, i) => {
      const own = steps[i]?.slice(-(counts[i] ?? 1)).join("/") ?? "";
      return own === strategy || own === "" ? strategy : `${strategy}, ${own}`;
    });
    const isTwice = (name: string | undefined) => names.filter((one) => one === name).length > 1;
    const longer = counts.map((count, i) =>
      isTwice(names[i]) && count < (steps[i]?.length ?? 0) ? count + 1 : count
    );
    if (longer.every((count, i) => count === counts[i])) {
      return names.map((name, i) =>
        isTwice(name)
          ? `${name} (${names.slice(0, i + 1).filter((one) => one === name).length})`
          : name
      );
    }
    counts.splice(0, counts.length, ...longer);
  }
}

function stepsOf(path: string): string[] {
  const steps = path.split(/[\\/]/).filter((step) => step !== "" && step !== ".");
  const stem = (steps.pop() ?? "").replace(/\.json$/, "");
  return stem === "report" && steps.length > 0 ? steps : [...steps, stem];
}
