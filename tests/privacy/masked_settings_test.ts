/** Settings of runs whose server adds noise to masked sums: what is refused, and by whom. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyncParameterServerHandler } from "../../mod.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { checkPrivacy } from "../../src/client/required_privacy.ts";
import { privateShareOf } from "../../src/client/secure/private_share.ts";
import { CentralPrivacy, type CentralPrivacyOptions } from "../../src/privacy/mod.ts";
import { secureSettings } from "../../src/round/secure/options.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";

const PLAN = { mechanism: "ftrl", rounds: 3, clients: 5, cohort: 5, delta: 1e-5 } as const;
const SEEDED = { ...PLAN, noise: 0.5, clip: 0.2, noiseSeed: 3 } as const;
const MANIFEST = vectorManifest(2);

function strategyOf(options: Partial<CentralPrivacyOptions> = {}): CentralPrivacy {
  return new CentralPrivacy({ ...SEEDED, ...options });
}

Deno.test("what does not go with masked sums is refused when the server is made", () => {
  const make = (options: Partial<CentralPrivacyOptions>, secure = {}) => () =>
    new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: new Float32Array(2),
      strategy: strategyOf(options),
      secureAggregation: { minMembers: 3, ...secure },
    });
  const secret = "members learn who else is in their cohort";
  assertThrows(make({ mechanism: "fedavg" }), RangeError, secret);
  assertThrows(make({ mechanism: "fedavg", noise: 0.2, adaptive: {} }), RangeError, secret);
  for (const given of [{ clip: 1 }, { maxSamples: 5 }, { maxLoss: 9 }]) {
    const name = Object.keys(given).join();
    assertThrows(make({}, given), RangeError, `expected secure aggregation without ${name}`);
  }
  const many = { clients: 1000, cohort: 1000, noise: 0.05 };
  assertThrows(make(many), RangeError, "expected a cohort of 3 to 409 members");
});

Deno.test("a client refuses settings by which its update is not clipped as announced", async () => {
  const { privacy } = strategyOf();
  const settings = secureSettings({ minMembers: 3 }, privacy.members?.());
  assertEquals(settings.maxNorm, SEEDED.clip);
  assert(privateShareOf(settings) !== undefined);
  for (const changes of [{ clip: 0.1 }, { maxSamples: 9 }, { rounding: "random" as const }]) {
    assertThrows(() => privateShareOf({ ...settings, ...changes }), ProtocolError, "Cannot join");
  }
  const { plan } = await assignmentFor(MANIFEST);
  const announced = { unit: "client", mechanism: "ftrl", delta: 1e-6, epsilon: 1, noise: 4 };
  const check = (maxNorm: number | undefined) =>
    checkPrivacy({
      privacy: { ...announced, clip: SEEDED.clip },
      plan: { ...plan, secure: { ...settings, ...(maxNorm === undefined ? {} : { maxNorm }) } },
    }, { privacyMaxEpsilon: 1 });
  check(SEEDED.clip);
  assertThrows(() => check(1), ProtocolError, "expected the announced clip 0.2 in the settings");
  const { maxNorm: _, ...unclipped } = settings;
  assertThrows(
    () =>
      checkPrivacy(
        { privacy: { ...announced, clip: 0.2 }, plan: { ...plan, secure: unclipped } },
        { privacyMaxEpsilon: 1 },
      ),
    ProtocolError,
    "got undefined",
  );
});
