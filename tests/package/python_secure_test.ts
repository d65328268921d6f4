/** The client of examples/python as a member of secure aggregation. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  ClientSyncTop,
  initialParameters,
  MessageCode,
  modelEvaluator,
  NativeSGDHandler,
  partitionIid,
  readPrivateKey,
  type RunReport,
  silentLogger,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { generateKeyPair, writePrivateKey } from "../../src/auth/mod.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { CentralPrivacy } from "../../src/privacy/central_privacy.ts";
import { DistributedPrivacy } from "../../src/privacy/distributed/distributed_privacy.ts";
import { zcdpEpsilon } from "../../src/privacy/accounting/gaussian.ts";
import { ClippedShare } from "../../src/privacy/distributed/member_share.ts";
import { ringSettings } from "../../src/privacy/distributed/noise_share.ts";
import { sign } from "../../src/secure/primitives.ts";
import { signedKeys, signedSurvivors } from "../../src/secure/salt.ts";
import { assignmentFor } from "../helpers/assignment.ts";
import type { Outcome } from "../helpers/command.ts";
import {
  federate,
  FOLDER,
  LR,
  pythonTests,
  runExample,
  test,
  train,
  writeCsv,
} from "../helpers/python_client.ts";
import { makeCredentials } from "../helpers/keyed.ts";
import { runPython } from "../helpers/python.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const pythonTest = await pythonTests("numpy", "cbor2", "cryptography");
const REQUIRED = ["--require-secure", "--secure-min-members", "3"];
const OWN = `import sys, json; sys.path.insert(0, ${JSON.stringify(FOLDER)})`;

interface MaskedRun {
  handler?: Partial<SyncParameterServerHandlerOptions>;
  signed?: boolean;
  /** Keys of the clients in Deno, which join the server with them. */
  keys?: boolean;
  /** Number of clients in Deno; without any, a run whose client leaves is over. */
  others?: number;
}

/** Runs a server, three clients in Deno and the example; gives the report and the outcome. */
async function maskedRun(
  python: string,
  folder: string,
  args: readonly string[],
  { handler, signed = false, keys = signed, others = 3 }: MaskedRun = {},
): Promise<{ report?: RunReport; outcome: Outcome; own: number; stays: string[] }> {
  const parts = partitionIid(train, 4, { seed: 1 }), own = parts.pop() ?? [], stays: string[] = [];
  const data = await writeCsv(`${folder}/part.csv`, train.select(own));
  const { evaluate: evaluator } = await modelEvaluator(LR, test);
  const credentials = keys ? await makeCredentials(3) : [];
  const listed = credentials.map(({ publicKey }) => publicKey);
  if (keys) {
    const { privateKeyPem, publicKey } = await generateKeyPair();
    await writePrivateKey(`${folder}/own.key`, privateKeyPem);
    const lines = [...listed, `${publicKey} python expires=2999-12-31`];
    await Deno.writeTextFile(`${folder}/all.keys`, `# all\n${lines.join("\n")}\n`);
    await Deno.writeTextFile(`${folder}/fewer.keys`, `${lines.slice(1).join("\n")}\n`);
    await Deno.writeTextFile(
      `${folder}/old.keys`,
      `${listed[0]} expires=2020-01-31\n${lines.slice(1).join("\n")}\n`,
    );
    listed.push(publicKey);
  }
  const allowed = new Set(listed);
  let example: Promise<Outcome> | undefined;
  const { report } = await federate({
    handler: {
      ...{ evaluator, plan: { epochs: 2, batchSize: 10, learningRate: 0.1 } },
      secureAggregation: { minMembers: 3, maxMembers: 4, clip: 2, maxSamples: 500, signed },
      ...handler,
    },
    server: {
      ...{ worldSize: 5, rounds: 3 },
      ...(keys && { gatekeeper: { kind: "keys", allowed } }),
    },
    join: (serverAddr) => [
      ...parts.slice(0, others).map((rows, i) => {
        const credential = credentials[i];
        return new ClientSyncTop(new NativeSGDHandler({ data: train.select(rows) }), {
          ...{ serverAddr, rank: i + 1, logger: silentLogger, secureMinMembers: 3 },
          ...(credential && { credential, ...(signed && { secureKeys: allowed }) }),
        }).run().catch((error: Error) => void stays.push(error.message));
      }),
      example = runExample(python, serverAddr, ["--data", data, "--rank", "4", ...args]),
    ],
  });
  const outcome = await example ?? { code: -1, stdout: "", stderr: "" };
  return { ...(report && { report }), outcome, own: own.length, stays };
}

const joined = (own: number) => `Joined as rank 4 of 5, with ${own} samples\n`;

pythonTest("masks its updates together with Deno clients", async (python, folder) => {
  const { report, outcome, own } = await maskedRun(python, folder, REQUIRED);
  assertEquals([outcome.code, outcome.stdout], [0, joined(own)], outcome.stderr);
  for (const { received, secure } of report?.rounds ?? []) {
    assertEquals([received, secure?.masked, secure?.samples], [4, 4, train.length]);
  }
  assertEquals(report?.rounds.length, 3);
  assert((report?.final?.accuracy ?? 0) > 0.85, `accuracy ${report?.final?.accuracy}`);
});

pythonTest("signs its keys and votes for survivors", async (python, folder) => {
  const keys = ["--key", `${folder}/own.key`, "--secure-keys", `${folder}/all.keys`];
  const { report, outcome, own } = await maskedRun(python, folder, [...REQUIRED, ...keys], {
    signed: true,
  });
  assertEquals([outcome.code, outcome.stdout], [0, joined(own)], outcome.stderr);
  for (const { secure } of report?.rounds ?? []) {
    assertEquals([secure?.masked, secure?.revealed], [4, 4]);
  }
  assertEquals(report?.rounds.length, 3);
});

pythonTest("masks nothing beside members whose keys are not listed", async (python, folder) => {
  for (const list of ["fewer", "old"]) {
    const keys = ["--key", `${folder}/own.key`, "--secure-keys", `${folder}/${list}.keys`];
    const { report, outcome } = await maskedRun(python, folder, [...REQUIRED, ...keys], {
      signed: true,
    });
    assertMatch(
      outcome.stderr,
      /^Cannot share: the keys of rank 1 are not signed by a member of the federation$/m,
    );
    for (const { secure } of report?.rounds ?? []) assertEquals(secure?.masked, 3);
    await Deno.remove(`${folder}/own.key`);
  }
});

pythonTest("adds its share of the noise", async (python, folder) => {
  const handler = {
    strategy: new DistributedPrivacy({
      ...{ noise: 1, delta: 1e-5, clip: 1, rounds: 3, clients: 4, cohort: 4, threshold: 3 },
    }),
    secureAggregation: { minMembers: 4 },
  };
  // Exactly what is announced.
  const demand = ["--privacy-max-epsilon", String(zcdpEpsilon(3 / 2, 1e-5))];
  const args = [...REQUIRED, ...demand];
  const { report, outcome, own } = await maskedRun(python, folder, args, { handler });
  assertEquals([outcome.code, outcome.stdout], [0, joined(own)], outcome.stderr);
  assertEquals(report?.rounds.map(({ received }) => received), [4, 4, 4]);
  assertEquals(report?.privacy?.participationsMost, 3);
});

pythonTest("clips its update where the server adds the noise", async (python, folder) => {
  const handler = {
    strategy: new CentralPrivacy({
      ...{ mechanism: "ftrl", noise: 1, delta: 1e-5, rounds: 3, clients: 4, cohort: 4 },
    }),
    secureAggregation: { minMembers: 4 },
  };
  const args = [...REQUIRED, "--privacy-max-epsilon", "30"];
  const { report, outcome, own } = await maskedRun(python, folder, args, { handler });
  assertEquals([outcome.code, outcome.stdout], [0, joined(own)], outcome.stderr);
  assertEquals(report?.rounds.map(({ received }) => received), [4, 4, 4]);
  assertEquals([report?.privacy?.mechanism, report?.privacy?.releases], ["ftrl", 3]);
});

pythonTest("has the whole numbers of a clipped update", async (python) => {
  const settings = { clip: 4, maxSamples: 1, maxMembers: 5, rounding: "toward-zero", maxNorm: 0.3 };
  // Squares whose sum is exact in any order.
  const updates = [[0.25, -0.125, 0.0625, 0], [3, -1, 0.5, 0.25], [-1e-9, 0, 0, 0]];
  const program = `${OWN}; import noise, numpy as np
from masks import Refusal
settings, updates = json.loads(sys.argv[1])
lines = [noise.quantize(settings, np.array(one, "<f4"), None).tolist() for one in updates]
for wrong in ({"maxNorm": 5}, {"maxSamples": 2}, {"rounding": "random"}):
    try: lines.append(noise.grid({**settings, **wrong}))
    except Refusal as refusal: lines.append(str(refusal))
privacy = {"unit": "client", "mechanism": "ftrl", "epsilon": 1, "delta": 1e-6, "noise": 2}
lines += [noise.weakness({**privacy, "clip": clip}, settings, 8, 1e-5) for clip in (0.3, 1)]
print(json.dumps(lines))`;
  const lines = await runPython(python, program, [JSON.stringify([settings, updates])]);
  const share = new ClippedShare(0.3, { ...settings, rounding: "toward-zero" });
  const refusal = "Cannot join: expected a ring of clipped updates that count alike";
  assertEquals(lines, [
    ...updates.map((update) => [...share.quantize(Float32Array.from(update))]),
    ...[refusal, refusal, refusal, null],
    "the settings of the clients have another clip than was announced",
  ]);
});

pythonTest("counts its masked updates as Deno clients do", async (python) => {
  const cases = [[1, 2, 1e-5], [2.7, 10, 1e-6], [40, 3, 1e-3]].flatMap(
    ([noise = 1, count = 1, delta = 1]) => {
      const epsilon = zcdpEpsilon(count / (2 * noise ** 2), delta);
      return [[noise, count, delta, epsilon + 1e-8], [noise, count, delta, epsilon - 1e-6]];
    },
  );
  const program = `${OWN}; import noise
from masks import Refusal
def masked(deviation, count, delta, epsilon):
    budget, settings = noise.Budget(epsilon, delta), {"noise": {"noise": deviation}}
    for done in range(count):
        try: budget.check(settings)
        except Refusal: return done
        budget.spend(settings)
    return count
print(json.dumps([masked(*case) for case in json.loads(sys.argv[1])]))`;
  const masked = await runPython(python, program, [JSON.stringify(cases)]);
  assertEquals(masked, [2, 1, 10, 9, 3, 2]);
});

pythonTest("leaves a run that offers less than it wants, in one line", async (python, folder) => {
  const noise = {
    strategy: new DistributedPrivacy({
      ...{ noise: 1, delta: 1e-5, clip: 1, rounds: 3, clients: 4, cohort: 4, threshold: 3 },
    }),
    secureAggregation: { minMembers: 4 },
  };
  const key = ["--key", `${folder}/own.key`], all = ["--secure-keys", `${folder}/all.keys`];
  const cases: [string[], MaskedRun, RegExp][] = [
    [[], { handler: { secureAggregation: { minMembers: 3, maxMembers: 4 } } }, /of 5 members/],
    [[...REQUIRED, ...key, ...all], { keys: true }, /expected a run whose members sign/],
    [[...REQUIRED, "--privacy-max-epsilon", "2"], { handler: noise }, /of epsilon 2 .*got epsilon/],
    [[...REQUIRED, "--privacy-max-epsilon", "2"], {}, /of epsilon 2 .*got none/],
    [[...REQUIRED, ...all], {}, /^Cannot begin: --secure-keys needs --key/],
    [
      [...REQUIRED, "--key", `${folder}/part.csv`],
      {},
      /^Cannot read the private key in .*part\.csv/,
    ],
    [[...REQUIRED, "--key", `${folder}/none.key`], {}, /^Cannot read the keys in .*none\.key/],
  ];
  for (const [args, options, line] of cases) {
    const { outcome } = await maskedRun(python, folder, args, { ...options, others: 0 });
    await Deno.remove(`${folder}/own.key`).catch(() => {});
    assertEquals([outcome.code, outcome.stdout], [1, ""]);
    assertMatch(outcome.stderr.trimEnd(), line);
    assertEquals(outcome.stderr.split("\n").length, 2, outcome.stderr);
  }
});

pythonTest("that requires privacy tells no server how parameters do", async (python, folder) => {
  const data = await writeCsv(`${folder}/part.csv`, train.select([0, 1, 2, 3]));
  const { manifest, parameters } = await initialParameters(LR, 1);
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const args = ["--data", data, "--privacy-max-epsilon", "8"];
  const running = runExample(python, listener.address, args);
  const channel = await listener.accept();
  assert(channel !== null);
  const connection = new Connection(channel);
  await connection.receive();
  const { privacy: { announced: privacy } } = new CentralPrivacy({
    ...{ mechanism: "ftrl", epsilon: 8, delta: 1e-5, rounds: 1, clients: 1, cohort: 1 },
  });
  const payload = { ...await assignmentFor(manifest), model: { ...LR }, privacy };
  await connection.send({ code: MessageCode.IdAssignment, payload });
  await connection.receive();
  await connection.send({ code: MessageCode.EvaluateParams, payload: { round: 1, parameters } });
  const answer = (await connection.receive())?.message;
  await connection.close();
  const { code, stderr } = await running;
  assert(answer?.code === MessageCode.Error);
  assertEquals([answer.payload.fault, code], ["privacy-mismatch", 1]);
  assertMatch(stderr, /^Cannot evaluate: .+ no noise\n$/);
  await listener.close();
});

pythonTest("accuses the neighbours whose boxes hold no share for it", async (python) => {
  const program = `${OWN}; import numpy as np, cbor2, secure
from masks import Refusal
plan = {"secure": {"clip": 1, "maxSamples": 10, "maxMembers": 4}}
group = {rank: secure.Member({"run": "r", "rank": rank, "plan": plan}, 3) for rank in (1, 2, 3, 4)}
at, given = {"round": 1, "attempt": 1}, {"round": 1, "parameters": cbor2.CBORTag(85, bytes(8))}
for member in group.values(): member.answer(2, given, None)
keys = {rank: member.answer(secure.KEYS, at, None) for rank, member in group.items()}
members = [{"rank": rank, "serial": fields["serial"], **{name: key for name, (_, key) in arrays.items()}}
           for rank, (_, fields, arrays) in keys.items()]
named = {**at, "threshold": 3, "members": members}
boxes = {rank: member.answer(secure.MEMBERS, named, None)[1]["shares"] for rank, member in group.items()}
boxes = [{"rank": sender, "box": one["box"]} for sender, sealed in boxes.items() for one in sealed if one["rank"] == 1]
lines = []
for wrong in ([], [boxes[1]], [boxes[0], boxes[2]]):
    forged = [{**one, "box": one["box"][:-1] + bytes([one["box"][-1] ^ 1])} if one in wrong else one for one in boxes]
    group[1].done.pop(secure.SHARES, None)
    try: lines.append(group[1].answer(secure.SHARES, {**at, "shares": forged},
        lambda asked: (np.zeros(2, "<f4"), np.ones(2, "<f4"), {"numSamples": 1, "steps": 1}))[0])
    except Refusal as refusal: lines.append(refusal.told["accused"])
print(json.dumps(lines))`;
  assertEquals(await runPython(python, program, []), [27, [3], [2, 4]]);
});

pythonTest("has the ring of the noise, bit for bit", async (python) => {
  const cases = [];
  for (const noise of [0.05, 0.3, 1 / 3, 1, 17.7, 400]) {
    for (const [clip, fewest, maxMembers] of [[0.3, 1, 3], [1.7, 3, 7], [1e-3, 33, 255]] as const) {
      const { log, ...ring } = ringSettings({ clip, noise, fewest, maxMembers });
      cases.push([{ ...ring, noise: { clip, noise, fewest, threshold: fewest } }, log]);
    }
  }
  const program = `${OWN}; import noise
print(json.dumps([noise.ring(settings)[0] for settings, _ in json.loads(sys.argv[1])]))`;
  const logs = await runPython(python, program, [JSON.stringify(cases)]);
  assertEquals(logs, cases.map(([, log]) => log));
});

pythonTest("draws discrete Gaussian noise", async (python) => {
  const program = `${OWN}; import noise
print(json.dumps([[noise.gaussian(log) for _ in range(4000)] for log in (0, 1, 3)]))`;
  const samples = await runPython(python, program, []) as number[][];
  for (const [i, log] of [0, 1, 3].entries()) {
    const variance = 4 ** log, most = 4 * 2 ** log;
    const weights = Array.from({ length: 2 * most + 1 }, (_, k) => k - most)
      .map((x) => [x, Math.exp(-x * x / (2 * variance))] as const);
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    let statistic = 0, bins = 0;
    for (const [x, weight] of weights) {
      const expected = 4000 * weight / total;
      if (expected < 5) continue;
      const seen = samples[i]?.filter((sample) => sample === x).length ?? 0;
      statistic += (seen - expected) ** 2 / expected;
      bins++;
    }
    // Seven deviations above the mean of the distribution of chi-squared.
    assert(statistic < bins + 7 * Math.sqrt(2 * bins), `${statistic} of ${bins} bins`);
  }
});

pythonTest("takes the signatures of Deno, and no others", async (python, folder) => {
  const run = "a run ü", round = 3, attempt = 8, survivors = [1, 2, 5];
  const keys = {
    serial: 2 ** 33,
    maskKey: new Uint8Array(32).fill(1),
    sealKey: new Uint8Array(32),
  };
  const members = [], votes = [];
  for (const rank of survivors) {
    const { privateKeyPem, publicKey } = await generateKeyPair();
    await Deno.remove(`${folder}/key`).catch(() => {});
    await writePrivateKey(`${folder}/key`, privateKeyPem);
    const { privateKey } = await readPrivateKey(`${folder}/key`);
    const signature = await sign(privateKey, signedKeys(run, rank, keys));
    const vote = await sign(privateKey, await signedSurvivors(run, { round, attempt }, survivors));
    members.push({ rank, publicKey, signature: signature.toHex() });
    votes.push({ rank, signature: vote.toHex() });
  }
  const program = `${OWN}; import base64, members
from masks import Refusal
given, run, survivors = json.loads(sys.argv[1]), "a run ü", [1, 2, 5]
for member in given["members"]:
    member.update(serial=2**33, maskKey=b"\\1" * 32, sealKey=bytes(32), signature=bytes.fromhex(member["signature"]),
                  publicKey=base64.urlsafe_b64decode(member["publicKey"] + "="))
votes = [{"rank": vote["rank"], "signature": bytes.fromhex(vote["signature"])} for vote in given["votes"]]
listed, lines = {member["publicKey"] for member in given["members"]}, []
def attempt(check, *args):
    try: lines.append(check(*args))
    except Refusal as refusal: lines.append(str(refusal))
attempt(members.check_keys, run, given["members"], listed)
attempt(members.check_keys, run, given["members"], listed - {given["members"][2]["publicKey"]})
attempt(members.check_keys, "another", given["members"], listed)
attempt(members.check_keys, run, given["members"] + given["members"][:1], listed)
for signed, held, threshold, dropped, votes in (
    ((3, 8), {1, 2, 4, 5}, 3, [4], votes), ((3, 8), {1, 2, 4, 5}, 3, [4], votes[1:]), ((3, 8), {1, 2, 4, 5}, 3, [4], votes[1:] * 2),
    ((3, 9), {1, 2, 4, 5}, 3, [4], votes), ((3, 8), {1, 2, 4, 5}, 3, [], votes), ((3, 8), {1, 2, 4, 5}, 3, [2, 4], votes)):
    text = members.of_survivors(run, signed, survivors)
    attempt(members.check_votes, text, survivors, held, given["members"], threshold, {"dropped": dropped, "votes": votes})
for survivors in ([1, 2, 5], [2, 1, 5], [1, 1, 2, 5], [2, 5], [1, 2, 3, 5], [1, 2]):
    attempt(members.check_survivors, survivors, 1, [1, 2, 3, 4, 5], {1, 2, 4, 5}, 3)
print(json.dumps(lines))`;
  const lines = await runPython(python, program, [JSON.stringify({ members, votes })]);
  const [of = "", votesLine = "", list = ""] = [
    "Cannot share: the keys of rank RANK are not signed by a member of the federation",
    "Cannot reveal shares: expected 3 votes, got COUNT",
    "Cannot reveal shares: the list of those that dropped out is not that of the vote",
  ];
  const untrue = "Cannot sign the survivors: the list cannot be true";
  assertEquals(lines, [
    ...[null, of.replace("RANK", "5"), of.replace("RANK", "1")],
    "Cannot share: two members have one owner",
    ...[null, votesLine.replace("COUNT", "2"), votesLine.replace("COUNT", "2")],
    ...[votesLine.replace("COUNT", "0"), list, list],
    ...[null, untrue, untrue, untrue, untrue, "Cannot sign the survivors: they are too few"],
  ]);
});
