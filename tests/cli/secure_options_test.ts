/** Options of secure aggregation on the command line. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseSecureAggregation } from "../../src/round/mod.ts";
import { secureFrom, warnOfSamples } from "../../src/cli/run/secure.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("secureFrom() takes as many members as a round selects, unless the option names a number", () => {
  const of = (secureAggregation: string | true, overSelect = 0) =>
    secureFrom({ secureAggregation }, { clients: 30, fraction: 0.5, overSelect });
  assertEquals(of(true), { maxMembers: 15 });
  assertEquals(of(true, 0.2), { maxMembers: 18 });
  assertEquals(of("members=40,min=7"), { maxMembers: 40, minMembers: 7 });
  assertEquals(secureFrom({}, { clients: 30, fraction: 0.5 }), undefined);
});

Deno.test("warnOfSamples() counts the clients with more samples than have a weight", () => {
  const warnings: string[] = [], warn = (text: string) => void warnings.push(text);
  const parts = [new Array<number>(11), new Array<number>(10), new Array<number>(12)];
  warnOfSamples(undefined, parts, warn);
  warnOfSamples({ maxSamples: 12 }, parts, warn);
  assertEquals(warnings, []);
  warnOfSamples({ maxSamples: 10 }, parts, warn);
  assertMatch(warnings.join(), /^2 clients have more samples than the 10 that count/);
});

for (
  const [text, pattern] of [
    ["min", /expected name or name:option=value/],
    ["foo=1", /expected one of the options min, clip,/],
    ["graph=ring", /expected graph of auto or complete, got ring/],
    ["signed=1", /expected signed of true or false, got 1/],
    ["clip=big", /expected clip to be a number, got big/],
  ] as const
) {
  Deno.test(`parseSecureAggregation() refuses ${text}`, () => {
    let message = "";
    try {
      parseSecureAggregation(text);
    } catch (error) {
      message = `${error}`;
    }
    assertMatch(message, pattern);
  });
}

Deno.test("server and clients with masks make the model of simulate, by their default options", () =>
  inFolder(async (folder) => {
    const port = freePort(), common = ["--rounds", "1", "--model", "lr", "--secure-aggregation"];
    const listen = ["--listen", `127.0.0.1:${port}`, "--world-size", "4", "--dataset", "digits"];
    const server = startCommand("server", [...listen, ...common, "min=3", "--out", "live"], folder);
    const clients = [1, 2, 3].map((rank) =>
      runCommand("client", [
        ...["--server", `127.0.0.1:${port}`, "--data", "digits", "--part", `${rank}/3`],
        ...["--rank", `${rank}`, "--require-secure", "--secure-min-members", "3"],
      ], folder)
    );
    const simulated = runCommand("simulate", [
      ...["--dataset", "digits", "--clients", "3", "--fraction", "1", "--workers", "1"],
      ...["--partition", "iid", ...common, "min=3", "--out", "simulated"],
    ], folder);
    for (const { code, stderr } of await Promise.all(clients)) assertEquals(code, 0, stderr);
    const [live, alone] = [await server.outcome, await simulated];
    assertEquals([live.code, alone.code], [0, 0], live.stderr + alone.stderr);
    const [digest = "a digest"] = /model digest \S+/.exec(live.stdout) ?? [];
    assertStringIncludes(alone.stdout, digest);
    assertStringIncludes(live.stdout, "secure aggregation (secagg+): sums of 3 updates or more");
  }));
