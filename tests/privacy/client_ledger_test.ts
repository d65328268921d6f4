import { assert, assertAlmostEquals, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  ClientLedger,
  DPSGD,
  LedgerFile,
  PrivacyBudgetError,
  rdpEpsilon,
  readLedger,
} from "../../src/privacy/mod.ts";

const STEPS = { steps: 30, batchSize: 10, records: 600, dimension: 100 };

Deno.test("the ledger's epsilon is that of the table of DP-SGD, in one piece or in many", async () => {
  // Figures of dp-accounting 0.6.0 (RDP with default orders, PLD) for n 600, B 10, z 1, delta 1e-4.
  const rate = 10 / 600, noise = 1;
  const ledger = new ClientLedger("record");
  for (let i = 0; i < 10; i++) await ledger.enter({ noise, rate, count: 30 }, false);
  assertEquals(ledger.count, 300);
  assertAlmostEquals(ledger.epsilonContinuous(1e-4), 1.46972, 2e-3);
  // Whole orders alone, which discrete noise needs, give a little more than all orders.
  assertAlmostEquals(rdpEpsilon([{ noise, rate, count: 300 }], 1e-4).epsilon, ledger.epsilon(1e-4));
  assert(ledger.epsilon(1e-4) >= 1.77810 && ledger.epsilon(1e-4) < 1.785);
});

Deno.test("a client stops before the round that would pass its budget", async () => {
  const privacy = new DPSGD({ epsilon: 2, noise: 1, delta: 1e-4, clip: 1 });
  let rounds = 0;
  const error = await assertRejects(async () => {
    for (;; rounds++) await privacy.records.begin(STEPS);
  }, PrivacyBudgetError);
  assert(rounds > 0);
  assert(error.message.startsWith("The privacy budget of this client is spent"), error.message);
  const { epsilon = NaN, releases } = privacy.report;
  assertEquals(releases, rounds * 30);
  assert(epsilon <= 2);
  const next = rdpEpsilon([{ noise: 1, rate: 10 / 600, count: releases + 30 }], 1e-4).epsilon;
  assert(next > 2);
});

Deno.test("noise for an epsilon lasts for the rounds, and not for one more", async () => {
  const privacy = new DPSGD({ epsilon: 4, delta: 1e-5, clip: 1, rounds: 5 });
  for (let round = 0; round < 5; round++) await privacy.records.begin(STEPS);
  assertAlmostEquals(privacy.report.epsilon ?? NaN, 4, 1e-4);
  await assertRejects(() => privacy.records.begin(STEPS), PrivacyBudgetError);
});

Deno.test("the number of rounds comes from the run, unless the client says it", async () => {
  const privacy = new DPSGD({ epsilon: 4, delta: 1e-5, clip: 1 });
  await assertRejects(() => privacy.records.begin(STEPS), RangeError, "the number of rounds");
  privacy.expect(3);
  await privacy.records.begin(STEPS);
  const own = new DPSGD({ epsilon: 4, delta: 1e-5, clip: 1, rounds: 3 });
  own.expect(1000);
  await own.records.begin(STEPS);
  assertEquals(own.report.noise, privacy.report.noise);
});

Deno.test("a ledger in a file goes on after a restart, with what earlier runs have spent", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/ward.json`;
  const options = { epsilon: 3, delta: 1e-5, clip: 1, rounds: 2 };
  {
    using store = new LedgerFile(path);
    const privacy = new DPSGD({ ...options, noise: 1.5, store });
    await privacy.records.begin(STEPS);
  }
  const saved = readLedger(JSON.parse(await Deno.readTextFile(path)));
  assertEquals(saved.releases, [{ noise: 1.5, rate: 10 / 600, count: 30 }]);
  using store = new LedgerFile(path);
  const privacy = new DPSGD({ ...options, store });
  for (let round = 0; round < 2; round++) await privacy.records.begin(STEPS);
  const { noise = NaN, epsilon = NaN, releases } = privacy.report;
  assertEquals(releases, 90);
  assertAlmostEquals(epsilon, 3, 1e-4);
  const rate = 10 / 600;
  assertAlmostEquals(
    rdpEpsilon([{ noise: 1.5, rate, count: 30 }, { noise, rate, count: 60 }], 1e-5).epsilon,
    epsilon,
    1e-9,
  );
  const spent = new DPSGD({ ...options, store });
  await assertRejects(
    () => spent.records.begin(STEPS),
    PrivacyBudgetError,
    "its ledger has epsilon",
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("steps are in the ledger's file before the first of them is taken", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/ward.json`;
  using store = new LedgerFile(path);
  const privacy = new DPSGD({ noise: 1, delta: 1e-5, clip: 1, store });
  await privacy.records.begin(STEPS);
  assertEquals(JSON.parse(await Deno.readTextFile(path)).releases[0].count, 30);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a ledger that is broken, gone, changed, in use or about others is refused", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/ward.json`;
  const begin = (store: LedgerFile) =>
    new DPSGD({ noise: 1, delta: 1e-5, clip: 1, store }).records.begin(STEPS);
  const refuses = async (reason: string, text: string) => {
    await Deno.writeTextFile(path, text);
    using store = new LedgerFile(path);
    await assertRejects(() => begin(store), Error, reason);
    assertEquals(await Deno.readTextFile(path), text);
  };
  await refuses("Cannot read the privacy ledger", "");
  await refuses("Cannot read the privacy ledger", '{"schema": "fedlab.privacy-ledger/1"');
  await refuses("expected the schema", '{"unit": "record", "releases": []}');
  const schema = '"schema": "fedlab.privacy-ledger/1"';
  await refuses(
    "expected one about the unit record",
    `{${schema}, "unit": "client", "releases": []}`,
  );
  const negative = '[{"noise": 1, "rate": 0.1, "count": -3}]';
  await refuses("a count from 1", `{${schema}, "unit": "record", "releases": ${negative}}`);
  await Deno.remove(path);

  using store = new LedgerFile(path);
  const privacy = new DPSGD({ noise: 1, delta: 1e-5, clip: 1, store });
  await privacy.records.begin(STEPS);
  using other = new LedgerFile(path);
  await assertRejects(() => begin(other), Error, "another client uses it");
  const text = await Deno.readTextFile(path);
  await Deno.remove(path);
  await assertRejects(() => privacy.records.begin(STEPS), Error, "or none");
  await Deno.writeTextFile(path, text.replace("30", "3"));
  await assertRejects(
    () => privacy.records.begin(STEPS),
    Error,
    "expected the file as this client",
  );
  await Deno.writeTextFile(path, text);
  await privacy.records.begin(STEPS);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a ledger that cannot be written lets nothing be released", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/ward.json`;
  using store = new LedgerFile(path);
  await store.read();
  await Deno.remove(folder, { recursive: true });
  const privacy = new DPSGD({ noise: 1, delta: 1e-5, clip: 1, store });
  await assertRejects(() => privacy.records.begin(STEPS), Error, "Cannot write the privacy ledger");
  assertEquals(privacy.report.releases, 0);
});

Deno.test("a ledger behind a link is one ledger under both names, and stays where it is", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/ward.json`, link = `${folder}/link`;
  const begin = (store: LedgerFile) =>
    new DPSGD({ noise: 1, delta: 1e-5, clip: 1, store }).records.begin(STEPS);
  await Deno.symlink(path, link);
  {
    using store = new LedgerFile(link);
    await assertRejects(() => begin(store), Error, "got a link to one that is not there");
  }
  {
    using store = new LedgerFile(path);
    await begin(store);
  }
  using store = new LedgerFile(link);
  await begin(store);
  using other = new LedgerFile(path);
  await assertRejects(() => begin(other), Error, "another client uses it");
  assertEquals(JSON.parse(await Deno.readTextFile(path)).releases[0].count, 60);
  assertEquals((await Deno.lstat(link)).isSymlink, true);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a seeded noise guarantees nothing, in this run and in later ones of the ledger", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/ward.json`;
  const options = { noise: 1, delta: 1e-5, clip: 1 };
  {
    using store = new LedgerFile(path);
    const seeded = new DPSGD({ ...options, store, noiseSeed: 1 });
    await seeded.records.begin(STEPS);
    assertEquals(seeded.report.guarantee, "nothing: the noise is seeded");
    assertEquals(seeded.fullReport().epsilon, undefined);
  }
  using store = new LedgerFile(path);
  const privacy = new DPSGD({ ...options, store });
  await privacy.records.begin(STEPS);
  assertEquals(privacy.report.guarantee, "nothing: the noise is seeded");
  assertEquals(privacy.report.epsilon, undefined);
  await Deno.remove(folder, { recursive: true });
});
