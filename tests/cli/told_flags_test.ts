/** Options by which clients would tell more than a run's privacy allows. */
import { assertThrows } from "@std/assert";
import { checkToldFlags, type ToldFlags } from "../../src/cli/run/check_told_flags.ts";
import { UsageError } from "../../src/cli/options/option.ts";

const PRIVACY = { privacy: "ftrl:epsilon=8,delta=1e-5" };

Deno.test("figures of clients are refused with privacy and with secure aggregation", () => {
  const refused: [ToldFlags, string][] = [
    [{ ...PRIVACY, evaluate: "clients" }, "expected no --evaluate clients with --privacy"],
    [
      { secureAggregation: true, evaluate: "clients" },
      "expected no --evaluate clients with --secure-aggregation",
    ],
    [{ ...PRIVACY, schema: "federated" }, "expected a file with --schema and --privacy"],
    [{ secureAggregation: "min=5,signed=true" }, "expected --allow-keys with signed=true"],
  ];
  for (const [flags, message] of refused) {
    assertThrows(() => checkToldFlags(flags), UsageError, message);
  }
});

Deno.test("what clients do not tell of themselves is not refused", () => {
  checkToldFlags({ evaluate: "clients", schema: "federated" });
  checkToldFlags({ ...PRIVACY, evaluate: "server", schema: "schema.json" });
  checkToldFlags({ secureAggregation: true, schema: "federated", evaluate: "server" });
  checkToldFlags({ secureAggregation: "signed=true", allowKeys: "keys.txt" });
});
