import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { fuzzClients } from "./clients.ts";
import { fuzz, type FuzzOptions } from "./fuzz.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** The cases came through to where bodies are read and rounds are kept, not only to the door. */
async function assertFirm(options: FuzzOptions, answers: readonly string[]): Promise<void> {
  const report = await fuzz(options);
  assertEquals(report.violations, []);
  assertEquals(report.cases, options.cases);
  for (const answer of answers) {
    assert((report.answers[answer] ?? 0) > 0, `no ${answer} among the answers`);
  }
}

Deno.test("a server goes through 300 hostile cases, and its honest clients do not notice", () =>
  assertFirm(
    { cases: 300, seed: 20261124, halfOpen: 300 },
    ["malformed-body", "invalid-field", "unexpected-code", "IdAssignment"],
  ));

Deno.test("so does one on WebSockets that asks for a token, with requests and frames that are broken", () =>
  assertFirm(
    { cases: 200, seed: 7, halfOpen: 300, transport: "websocket", isClosed: true },
    ["HTTP 400", "HTTP 426", "bad-message", "malformed-body", "Challenge", "IdAssignment"],
  ));

Deno.test("200 clients leave malicious servers in time, each with a clear word", async () => {
  const { violations, cases, ends } = await fuzzClients({ cases: 200, seed: 20261124 });
  assertEquals(violations, []);
  assertEquals(cases, 200);
  for (const end of ["malformed-body", "invalid-field", "bad-magic", "DeadlineError"]) {
    assert((ends[end] ?? 0) > 0, `nobody ended by ${end}`);
  }
});
