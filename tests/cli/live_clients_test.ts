import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import type { ServerEvent } from "../../mod.ts";
import { replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { liveTable } from "../../src/cli/output/live_table.ts";
import { RunProgress } from "../../src/cli/output/run_progress.ts";
import { printError } from "../../src/cli/output/terminal.ts";
import { RunState } from "../../src/dashboard/run_state.ts";
import { toldEvent } from "../../src/round/report/private_events.ts";

const RUN = { id: "a", name: "a", command: "server", strategy: "fedavg", settings: {} };
const SIZE = { columns: 98, rows: 12 };

function joined(rank: number, site?: string): ServerEvent {
  return {
    ...{ type: "client-joined", rank, identity: "open", address: `tcp 10.0.0.${rank}:5` },
    ...{ agent: "test/1", numSamples: 10 * rank, isBack: false, ...(site && { site }) },
  };
}

function begun(round: number, clients: number): ServerEvent {
  const cohort = Array.from({ length: clients }, (_, i) => i + 1);
  return { type: "round-started", round, rounds: 9, cohort };
}

function update(round: number, rank: number): ServerEvent {
  return {
    ...{ type: "update-received", round, rank, received: 1, expected: 3 },
    ...{ numSamples: 10 * rank, loss: rank / 8, metrics: { secret: 1 } },
  };
}

function viewOf(events: readonly (ServerEvent | undefined)[]): ReturnType<RunState["view"]> {
  const state = new RunState(RUN);
  for (const event of events) if (event !== undefined) state.apply(event);
  return state.view();
}

/** Control sequence that goes up and erases below, or text. */
// deno-lint-ignore no-control-regex
const SEQUENCE = /\x1b\[(\d+)A\r\x1b\[J|([^\x1b]+)/g;

/** Terminal of a size, which obeys the control sequences that are used. */
class Screen {
  lines: string[] = [""];
  text = "";
  columns = 120;
  rows = 20;

  /** Makes it the terminal of this process. */
  use(): Disposable {
    const stderr = {
      ...runtime.process.stderr,
      isTerminal: () => true,
      writeSync: (bytes: Uint8Array) => {
        this.#write(new TextDecoder().decode(bytes));
        return bytes.length;
      },
    };
    const process = Object.create(runtime.process, {
      stderr: { value: stderr },
      noColor: { value: true },
      terminalSize: { value: () => ({ columns: this.columns, rows: this.rows }) },
    });
    return replaceRuntime({ process });
  }

  #write(text: string): void {
    this.text += text;
    for (const [, up, plain] of text.matchAll(SEQUENCE)) {
      if (up !== undefined) this.lines.splice(-1 - Number(up), Number(up));
      else {
        const [first = "", ...others] = (plain ?? "").split("\n");
        this.lines.splice(-1, 1, `${this.lines.at(-1)}${first}`, ...others);
      }
    }
  }
}

Deno.test("liveTable() shows what each client does, and fits into 98 columns", () => {
  const view = viewOf([
    ...[joined(1, "north"), joined(2), joined(3), begun(1, 3), update(1, 1)],
    { type: "client-away", rank: 3, reason: "reset" },
  ]);
  const { lines, columns } = liveTable(view, SIZE, view.open?.startedAt ?? 0, false);
  assert(columns < 98 && lines.every((line) => line.length < 98));
  assertMatch(lines[0] ?? "", /^ +rank name +state +samples +round +loss +seconds late$/);
  assertMatch(lines[1] ?? "", /^ +1 north +has sent +10 +1 +0\.1250 +[\d.]+ s$/);
  assertMatch(lines[2] ?? "", /^ +2 tcp 10\.0\.0\.2:5 +at work +20$/);
  assertMatch(lines[3] ?? "", /^ +3 tcp 10\.0\.0\.3:5 +connection lost +30$/);
});

Deno.test("liveTable() marks clients late after a second and twice the median, and shows the wait", () => {
  const view = viewOf([joined(1), joined(2), begun(1, 2), update(1, 1)]);
  const at = (millis: number) => {
    const { lines } = liveTable(view, SIZE, (view.open?.startedAt ?? 0) + millis, false);
    return [/ late$/.test(lines[1] ?? ""), / late$/.test(lines[2] ?? "")];
  };
  assertEquals([at(900), at(1100)], [[false, false], [false, true]]);
  const { lines } = liveTable(view, SIZE, (view.open?.startedAt ?? 0) + 75_000, true);
  assertMatch(lines[2] ?? "", /\[33mat work.* 1 min so far .*\[33mlate/);
});

Deno.test("liveTable() shows trouble first, then who is awaited, where not all clients fit", () => {
  const many = Array.from({ length: 50 }, (_, i) => joined(i + 1));
  const received = Array.from({ length: 49 }, (_, i) => update(1, i + 1)).filter((_, i) =>
    i !== 39
  );
  const view = viewOf([
    ...[...many, begun(1, 50), ...received],
    { type: "client-away", rank: 30, reason: "reset" },
  ]);
  const { lines } = liveTable(view, { columns: 98, rows: 6 }, view.open?.startedAt ?? 0, false);
  assertEquals(lines.length, 6);
  assertEquals(lines.at(-1), "… and 46 more clients");
  const ranks = lines.slice(1, -1).map((line) => Number.parseInt(line));
  assertEquals(ranks.filter((rank) => [30, 40, 50].includes(rank)), [30, 40, 50]);
});

Deno.test("liveTable() shows a hostile name in its column, without control characters", () => {
  const name = `\x1b[2J\x07<b>\u202eab${"\u{1F9D1}".repeat(400_000)}`;
  const view = viewOf([joined(1, name), begun(1, 1)]);
  const { lines } = liveTable(view, { columns: 200, rows: 12 }, 0, false);
  assertEquals(lines.length, 2);
  assertMatch(lines[1] ?? "", /^ +1  ?\[2J <b> ab\u{1F9D1}+ ?… +at work/u);
});

Deno.test("liveTable() shows nothing that a private run closes", () => {
  const events = [joined(1), joined(2), begun(1, 2), update(1, 1), update(1, 2)];
  const shown = (isCohortSecret: boolean) => {
    const run = { isClosed: true, privacy: { isCohortSecret } as never };
    const view = viewOf(events.map((event) => toldEvent(event, run)));
    return liveTable(view, SIZE, (view.open?.startedAt ?? 0) + 60_000, false).lines;
  };
  assertMatch(shown(false).join("\n"), /^ +rank name +state +round +seconds late\n.*has sent/);
  const secret = shown(true);
  assertMatch(secret[0] ?? "", /^ +rank name +state +late$/);
  assert(secret.slice(1).every((line) => /:5 +present$/.test(line)));
});

Deno.test("RunProgress redraws clients in place, below lines that are printed meanwhile", async () => {
  const screen = new Screen();
  using _ = screen.use();
  const progress = new RunProgress();
  // What draws the table is loaded by now.
  await import("../../src/cli/output/live_table.ts");
  await Promise.resolve();
  progress.show(joined(1));
  progress.show(begun(1, 1));
  progress.show(update(1, 1));
  printError("a warning");
  printError("another");
  progress[Symbol.dispose]();
  printError("the end");
  const [first, second, line, head, row, end] = screen.lines;
  assertEquals([first, second, end], ["a warning", "another", "the end"]);
  assertStringIncludes(line ?? "", "round 0 of 9 | training");
  assertMatch(head ?? "", /^ +rank name/);
  assertMatch(row ?? "", /^ +1 tcp 10\.0\.0\.1:5 +has sent/);
  assertEquals(screen.lines.length, 7);
});

Deno.test("RunProgress shows no clients on a narrow terminal", async () => {
  const screen = new Screen();
  screen.columns = 97;
  using _ = screen.use();
  using progress = new RunProgress();
  await import("../../src/cli/output/live_table.ts");
  progress.show({ type: "joining", progress: "1 of 1 clients joined" });
  progress.show(joined(1));
  assertEquals(screen.text, "1 of 1 clients joined\n");
});
