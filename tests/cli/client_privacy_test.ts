import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { UsageError } from "../../src/cli/options/option.ts";
import { clientPrivacyFrom } from "../../src/cli/run/client_privacy.ts";
import { withPrivacy } from "../../src/cli/run/privacy.ts";
import { FedAvg } from "../../mod.ts";

const CHOICE = "record:epsilon=8,delta=1e-5,clip=1";

Deno.test("--client-privacy needs a ledger that outlasts the client", async () => {
  for (
    const [flags, reason] of [
      [{ clientPrivacy: CHOICE }, "expected --privacy-ledger"],
      [{ privacyLedger: "x.json" }, "expected --client-privacy with --privacy-ledger"],
      [{ clientPrivacy: CHOICE, privacyLedger: "x.json", module: "m.ts" }, "the module decides"],
    ] as const
  ) await assertRejects(() => clientPrivacyFrom(flags), UsageError, reason);
  using none = await clientPrivacyFrom({});
  assertEquals(none.privacy, undefined);
  using seeded = await clientPrivacyFrom({ clientPrivacy: `${CHOICE},noiseSeed=1` });
  assertEquals(seeded.privacy?.report.guarantee, "nothing: the noise is seeded");
});

Deno.test("--client-privacy takes the ledger for itself until the client ends", async () => {
  const folder = await Deno.makeTempDir(), privacyLedger = `${folder}/ledger.json`;
  const flags = { clientPrivacy: "record:noise=1,delta=1e-5,clip=1", privacyLedger };
  const steps = { steps: 5, batchSize: 10, records: 100, dimension: 10 };
  {
    using held = await clientPrivacyFrom(flags);
    await held.privacy?.records?.begin(steps);
    using other = await clientPrivacyFrom(flags);
    await assertRejects(
      () => Promise.resolve(other.privacy?.records?.begin(steps)),
      Error,
      "another client uses it",
    );
  }
  using again = await clientPrivacyFrom(flags);
  await again.privacy?.records?.begin(steps);
  assertEquals(again.privacy?.report.releases, 10);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("--privacy distributed needs secure aggregation whose members see each other", async () => {
  const text = "distributed:epsilon=8,delta=1e-5", plan = { rounds: 10, clients: 100 };
  const warn = () => {};
  await assertRejects(
    () => withPrivacy(new FedAvg(), text, { ...plan, fraction: 1 }, warn),
    UsageError,
    "expected --secure-aggregation with --privacy distributed",
  );
  const secure = { minMembers: 90, maxMembers: 100 };
  await assertRejects(
    () => withPrivacy(new FedAvg(), text, { ...plan, fraction: 1, secure }, warn),
    UsageError,
    "graph=complete",
  );
  const complete = { ...secure, graph: "complete" } as const;
  const made = await withPrivacy(
    new FedAvg(),
    text,
    { ...plan, fraction: 1, secure: complete },
    warn,
  );
  // Two thirds of 90 and one more: 61, less a tenth that may collude.
  assertEquals(made.privacy?.members?.().noise?.threshold, 61);
  assertEquals(made.privacy?.members?.().noise?.fewest, 54);
  assert((made.privacy?.announced.epsilon ?? 9) <= 8 + 1e-6);
});
