/** A run by the file of its report. */
export interface ReportedRun {
  readonly path: string;
  readonly strategy: string;
}

/**
 * What to call runs by: the strategy, and what tells the file from others, its name, or its folder's where it is called `report.json`. Of runs that would be
 * called alike so many folders more are named as tell them apart, or their number is.
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
