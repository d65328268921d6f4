/** A real Prometheus scrapes a run's figures, and answers the queries of the Grafana example. */
import { assert, assertEquals } from "@std/assert";
import { inFolder, startCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Reports whether Prometheus is installed. */
async function isInstalled(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("prometheus", { args: ["--version"] }).output();
    return success;
  } catch {
    return false;
  }
}

const ignore = !await isInstalled();
if (ignore) console.warn("Skipped: prometheus is not installed (apt-get install prometheus)");

const GRAFANA = new URL("../../examples/grafana/fedlab.json", import.meta.url);

/** Queries of the dashboard, for all runs and a short interval. */
async function grafanaQueries(): Promise<string[]> {
  const { panels } = JSON.parse(await Deno.readTextFile(GRAFANA));
  return panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr.replaceAll("$run", ".*").replaceAll("$__rate_interval", "1m"))
  );
}

Deno.test({
  name: "Prometheus scrapes the figures of a run, and has those that the Grafana example draws",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      const run = startCommand("simulate", [
        ...["--model", "lr", "--workers", "1", "--clients", "4", "--data", "digits"],
        ...["--rounds", "1000000", "--out", "run", "--dashboard", "127.0.0.1:0"],
      ], folder);
      const [, target = ""] = await run.said(/Dashboard: http:\/\/([^/\s]+)/);
      const job = {
        ...{ job_name: "fedlab", scrape_interval: "100ms", scrape_timeout: "100ms" },
        static_configs: [{ targets: [target] }],
      };
      // JSON is YAML too.
      await Deno.writeTextFile(
        `${folder}/prometheus.yml`,
        JSON.stringify({ scrape_configs: [job] }),
      );
      const api = `127.0.0.1:${freePort()}`;
      const prometheus = new Deno.Command("prometheus", {
        args: [
          ...[`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`],
          ...[`--web.listen-address=${api}`, "--log.level=error"],
        ],
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        const ask = async (query: string) => {
          const url = `http://${api}/api/v1/query?query=${encodeURIComponent(query)}`;
          const answer = await fetch(url).then((response) => response.json(), () => undefined);
          return answer?.status === "success" ? answer.data.result : answer;
        };
        // An increase needs two scrapes.
        const deadline = Date.now() + 60_000;
        for (;;) {
          const [rounds] = await ask("increase(fedlab_rounds_total[1m])") ?? [];
          if (Number(rounds?.value[1]) > 0) break;
          assert(Date.now() < deadline, "no figures within a minute");
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        const [up] = await ask("up");
        assertEquals(up.value[1], "1");
        // Nothing is refused in this run, which is not private.
        const absent = /privacy|refusals/;
        for (const query of await grafanaQueries()) {
          const result = await ask(query);
          assert(Array.isArray(result), `${query}: ${JSON.stringify(result)}`);
          assertEquals(result.length > 0, !absent.test(query), query);
        }
      } finally {
        prometheus.kill("SIGKILL");
        run.process.kill("SIGKILL");
        await Promise.all([prometheus.status, run.outcome]);
      }
    }),
});
