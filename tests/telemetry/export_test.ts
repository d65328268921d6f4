/** What commands export: to a real receiver, and to those that do not answer. */
import { assert, assertEquals, assertExists } from "@std/assert";
import { inFolder, type Outcome, startCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";
import { otlpEnv, OtlpReceiver, type ReceivedSpan } from "../helpers/otlp_receiver.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROUNDS = 2;

/** Runs a server and two clients, each a process, to their ends. */
async function federation(
  folder: string,
  env: (service: string) => Record<string, string>,
  ...options: string[]
): Promise<Outcome[]> {
  const server = startCommand(
    "server",
    [
      ...["--listen", "127.0.0.1:0", "--world-size", "3", "--rounds", `${ROUNDS}`, "--out", "run"],
      ...["--model", "lr", "--seed", "1", ...options],
    ],
    folder,
    env("server"),
  );
  const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
  const clients = [1, 2].map((rank) =>
    startCommand(
      "client",
      ["--server", address, "--data", "digits", "--part", `${rank}/2`, "--rank", `${rank}`],
      folder,
      env(`client-${rank}`),
    )
  );
  return await Promise.all([server, ...clients].map(({ outcome }) => outcome));
}

function succeeded(outcomes: readonly Outcome[]): void {
  const said = outcomes.map(({ stderr }) => stderr).join("\n---\n");
  assertEquals(outcomes.map(({ code }) => code), outcomes.map(() => 0), said);
}

/** Digest of the model that a command has printed. */
function digestOf({ stdout }: Outcome): string {
  const [, digest] = /model digest (\w{64})/.exec(stdout) ?? [];
  assertExists(digest, stdout);
  return digest;
}

Deno.test("server and clients export one trace for each round, with metrics and logs", () =>
  inFolder(async (folder) => {
    await using receiver = new OtlpReceiver();
    const env = (service: string) => receiver.env(service);
    succeeded(await federation(folder, env, "--evaluate", "clients"));
    const { metrics, logs } = receiver;
    const spans = receiver.spans.filter(({ name }) => name.startsWith("fedlab."));
    const rounds = spans.filter(({ name }) => name === "fedlab.round");
    assertEquals(rounds.map(({ attributes }) => attributes["fedlab.round"]), [1, 2]);
    for (const round of rounds) {
      assertEquals(round.service, "server");
      const { traceId, spanId, attributes: { "fedlab.round": number } } = round;
      const trace = spans.filter((span) => span.traceId === traceId);
      const names = (of: (span: ReceivedSpan) => boolean) =>
        trace.filter(of).map(({ name }) => name.replace("fedlab.", "")).sort();
      assertEquals(
        names(({ service, attributes }) => service === "server" && !("fedlab.rank" in attributes)),
        ["checkpoint", "evaluate", "fold", "round", "select", "train"],
      );
      const phases = trace.filter(({ name }) => name === "fedlab.train");
      assertEquals(phases.map(({ parentSpanId }) => parentSpanId), [spanId]);
      for (const rank of [1, 2]) {
        const isTheirs = (span: ReceivedSpan) => span.attributes["fedlab.rank"] === rank;
        // Sent to train and to evaluate, and awaited for both.
        assertEquals(
          names((span) => isTheirs(span) && span.service === "server"),
          ["await", "await", "receive", "send", "send"],
        );
        const own = trace.filter((span) => isTheirs(span) && span.service === `client-${rank}`);
        assertEquals(
          own.map(({ name }) => name).sort(),
          ["evaluate", "send", "train"].map((work) => `fedlab.client.${work}`),
        );
        for (const { parentSpanId } of own) assertEquals(parentSpanId, spanId);
      }
      for (const span of trace) {
        assertEquals(span.attributes["fedlab.round"], number);
        assert(span.from <= span.to);
      }
    }
    assertEquals(new Set(rounds.map(({ traceId }) => traceId)).size, ROUNDS);
    const valueOf = (wanted: string, ...more: [string, string][]) =>
      metrics.findLast(({ name, attributes }) =>
        name === `fedlab.${wanted}` && more.every(([key, value]) => attributes[key] === value)
      )?.value;
    const report = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
    assertEquals(valueOf("rounds"), ROUNDS);
    assertEquals(valueOf("updates"), 2 * ROUNDS);
    assertEquals(valueOf("round.duration"), ROUNDS);
    assertEquals(valueOf("clients", ["fedlab.state", "present"]), 2);
    for (const [direction, field] of [["up", "bytesUp"], ["down", "bytesDown"]] as const) {
      const bytes = report.rounds.reduce(
        (sum: number, round: typeof report) => sum + round[field],
        0,
      );
      assertEquals(valueOf("bytes", ["fedlab.direction", direction]), bytes);
    }
    assertEquals(valueOf("accuracy"), report.rounds.at(-1).accuracy);
    assert((valueOf("memory") ?? 0) > 1e7);
    for (const [i, { traceId }] of rounds.entries()) {
      const of = logs.filter((log) => log.traceId === traceId).map(({ text }) => text);
      assert(of.some((text) => text.startsWith(`server Round ${i + 1} of ${ROUNDS}: 2 of 2`)));
      assert(of.some((text) => text.startsWith(`client-1 Round ${i + 1}: `)), of.join("\n"));
    }
  }));

Deno.test("a receiver that refuses, or never answers, changes neither model nor status", () =>
  inFolder(async (folder) => {
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const held: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const connection of silent) held.push(connection);
    })();
    const environments: Record<string, string>[] = [
      {},
      otlpEnv(freePort(), "closed"),
      { ...otlpEnv(silent.addr.port, "silent"), OTEL_EXPORTER_OTLP_TIMEOUT: "300" },
    ];
    const outcomes = await Promise.all(environments.map((env, i) =>
      startCommand(
        "simulate",
        [
          ...[
            "--data",
            "digits",
            "--model",
            "lr",
            "--clients",
            "4",
            "--rounds",
            "2",
            "--seed",
            "1",
          ],
          ...["--workers", "1", "--out", `run${i}`],
        ],
        folder,
        env,
      ).outcome
    ));
    succeeded(outcomes);
    const [digest = "", ...others] = outcomes.map(digestOf);
    assertEquals(others, [digest, digest]);
    assert(held.length > 0);
    silent.close();
    await accepting;
    for (const connection of held) connection.close();
  }));

Deno.test("a private run exports nothing of single clients", () =>
  inFolder(async (folder) => {
    await using receiver = new OtlpReceiver();
    const outcomes = await federation(
      folder,
      (service) => receiver.env(service),
      ...["--privacy", "fedavg:noise=1,delta=1e-3", "--data", "digits", "--fraction", "0.5"],
    );
    succeeded(outcomes);
    const spans = receiver.spans.filter(({ name }) => name.startsWith("fedlab."));
    assertEquals(spans.filter(({ name }) => name === "fedlab.round").length, ROUNDS);
    assertEquals(spans.filter(({ service }) => service !== "server"), []);
    assertEquals(spans.filter(({ attributes }) => "fedlab.rank" in attributes), []);
    assertEquals(receiver.logs.filter(({ text }) => /^(client|train)/.test(text)), []);
    assertEquals(receiver.metrics.filter(({ name }) => name.startsWith("fedlab.client.")), []);
    const epsilon = receiver.metrics.findLast(({ name }) => name === "fedlab.privacy.epsilon");
    assert(epsilon !== undefined && epsilon.value > 0);
  }));

Deno.test("without OTEL_DENO nothing of telemetry is loaded but the question", () =>
  inFolder(async (folder) => {
    await using receiver = new OtlpReceiver();
    const loadedIn = async (env: Record<string, string>) => {
      const coverage = await Deno.makeTempDir({ dir: folder });
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "-A", "--frozen", `--coverage=${coverage}`, "src/cli/main.ts", "demo"],
          ...[
            "--clients",
            "1",
            "--rounds",
            "1",
            "--transport",
            "memory",
            "--out",
            `${coverage}/run`,
          ],
        ],
        env: { NO_COLOR: "1", ...env },
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      const urls: string[] = [];
      for await (const { name } of Deno.readDir(coverage)) {
        if (!name.endsWith(".json")) continue;
        urls.push(JSON.parse(await Deno.readTextFile(`${coverage}/${name}`)).url);
      }
      return urls.filter((url) => url.includes("/src/telemetry/") || url.includes("opentelemetry"))
        .map((url) => url.replace(/.*\//, "")).sort();
    };
    assertEquals(await loadedIn({}), ["open.ts"]);
    assert((await loadedIn(receiver.env("demo"))).includes("telemetry.ts"));
  }));
