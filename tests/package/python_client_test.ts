import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "jsr:@std/assert@1.0.19";
import {
  ClientSyncTop,
  initialParameters,
  logisticRegression,
  MessageCode,
  mlp,
  type ModelDescription,
  modelEvaluator,
  NativeSGDHandler,
  partitionIid,
  Random,
  silentLogger,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import { eden } from "../../src/codec/eden.ts";
import type { Codec } from "../../src/codec/codec.ts";
import { delta } from "../../src/codec/delta.ts";
import { int8 } from "../../src/codec/int8.ts";
import { arrangeTable } from "../../src/data/schema/arrange.ts";
import { canonicalJson, schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { tableOf } from "../../src/data/schema/table_of.ts";
import { Connection, tcpTransport } from "../../src/net/mod.ts";
import { freePort } from "../helpers/free_port.ts";
import type { Outcome } from "../helpers/command.ts";
import {
  denoClient,
  federate,
  type Federation,
  LR,
  pythonTests,
  runExample,
  SCRIPT,
  test,
  train,
  writeCsv,
} from "../helpers/python_client.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const pythonTest = await pythonTests("numpy", "cbor2");

pythonTest("learns to read digits together with a Deno client", async (python, folder) => {
  const [first = [], second = []] = partitionIid(train, 2, { seed: 1 });
  const data = await writeCsv(`${folder}/part.csv`, train.select(second));
  const { evaluate: evaluator } = await modelEvaluator(LR, test);
  let example: Promise<Outcome> | undefined;
  const { report } = await federate({
    handler: { evaluator, plan: { epochs: 2, batchSize: 10, learningRate: 0.1 } },
    server: { worldSize: 3, rounds: 5 },
    join: (address) => [
      denoClient(address, train.select(first), 1),
      example = runExample(python, address, ["--data", data, "--rank", "2", "--world-size", "3"]),
    ],
  });
  assertEquals(report?.rounds.map(({ cohort, received }) => [cohort, received]), [
    [[1, 2], 2],
    [[1, 2], 2],
    [[1, 2], 2],
    [[1, 2], 2],
    [[1, 2], 2],
  ]);
  assert((report?.final?.accuracy ?? 0) > 0.9, `accuracy ${report?.final?.accuracy}`);
  const outcome = await example;
  assertEquals([outcome?.code, outcome?.stdout], [
    0,
    `Joined as rank 2 of 3, with ${second.length} samples\n`,
  ]);
  assertMatch(outcome?.stderr ?? "", /^The server ends the run: .+\n$/);
});

pythonTest("sends EDEN and reads int8 together with a Deno client", async (python, folder) => {
  const [first = [], second = []] = partitionIid(train, 2, { seed: 1 });
  const data = await writeCsv(`${folder}/part.csv`, train.select(second));
  const { evaluate: evaluator } = await modelEvaluator(LR, test);
  const outcomes: Promise<Outcome>[] = [];
  const run = async (codecs: Partial<SyncParameterServerHandlerOptions>) =>
    (await federate({
      handler: { ...codecs, evaluator, plan: { epochs: 2, batchSize: 10, learningRate: 0.1 } },
      server: { worldSize: 3, rounds: 5 },
      join: (address) => {
        const args = ["--data", data, "--rank", "2", "--world-size", "3"];
        outcomes.push(runExample(python, address, args));
        return [denoClient(address, train.select(first), 1), ...outcomes.slice(-1)];
      },
    })).report;
  const whole = await run({}), coded = await run({ uplink: eden(), downlink: int8() });
  assertEquals((await Promise.all(outcomes)).map(({ code }) => code), [0, 0]);
  assert((coded?.final?.accuracy ?? 0) > 0.88, `accuracy ${coded?.final?.accuracy}`);
  const [up = NaN, down = NaN] = [coded, whole].map((report) => report?.rounds[1]?.bytesUp);
  // Of 2,600 bytes of parameters 100 are left, beside some 100 of other fields.
  assert(up < down / 8, `${up} bytes up in place of ${down}`);
  assertEquals(coded?.rounds.map(({ received }) => received), [2, 2, 2, 2, 2]);
});

pythonTest("evaluates encoded parameters as the Deno client does", async (python, folder) => {
  const data = await writeCsv(`${folder}/all.csv`, train);
  const plan = { epochs: 4, batchSize: 0, learningRate: 0.5 };
  const run = (join: Federation["join"]) =>
    federate({
      handler: { plan, downlink: eden({ bits: 4 }) },
      server: { rounds: 1 },
      join,
    });
  const deno = await run((address) => [denoClient(address, train, 1)]);
  const example = await run((address) => [runExample(python, address, ["--data", data])]);
  const { loss: ours = NaN } = deno.report?.final ?? {};
  const { loss: theirs = NaN } = example.report?.final ?? {};
  // A code may be the next one where the trained parameters differ in their last bits.
  assert(Math.abs(theirs - ours) < 1e-3, `loss ${theirs} in place of ${ours}`);
});

pythonTest(
  "reads differences of parameters, with the model that whole ones give",
  async (python, folder) => {
    const data = await writeCsv(
      `${folder}/all.csv`,
      train.select([...train.labels.keys()].slice(0, 200)),
    );
    const run = async (downlink: Codec) => {
      const outcomes: Promise<Outcome>[] = [];
      const { report } = await federate({
        handler: { downlink, plan: { epochs: 2, batchSize: 10, learningRate: 0.1 } },
        server: { rounds: 3 },
        join: (address) => {
          outcomes.push(runExample(python, address, ["--data", data]));
          return outcomes;
        },
      });
      assertEquals((await Promise.all(outcomes)).map(({ code }) => code), [0]);
      return report;
    };
    const whole = await run(int8()), found = await run(delta(int8()));
    assertEquals(found?.modelDigest, whole?.modelDigest);
    assertEquals(found?.rounds.map(({ loss }) => loss), whole?.rounds.map(({ loss }) => loss));
    const [few = NaN, many = NaN] = [found, whole].map((report) => report?.rounds[2]?.bytesDown);
    assert(few < many / 2, `${few} bytes in place of ${many}`);
  },
);

pythonTest("steps and evaluates as the Deno client does", async (python, folder) => {
  const data = await writeCsv(`${folder}/all.csv`, train);
  // With all samples a step there is no order of samples that could differ.
  const plan = {
    epochs: 4,
    batchSize: 0,
    learningRate: 0.5,
    momentum: 0.9,
    weightDecay: 0.01,
    keepMomentum: true,
  };
  const run = (join: Federation["join"]) =>
    federate({ handler: { plan }, server: { rounds: 3 }, join });
  const deno = await run((address) => [denoClient(address, train, 1)]);
  const example = await run((address) => [runExample(python, address, ["--data", data])]);
  const off = example.parameters.map((value, i) => Math.abs(value - (deno.parameters[i] ?? NaN)));
  assert(Math.max(...off) < 1e-4, `the parameters differ by ${Math.max(...off)}`);
  const { loss: ours = NaN } = deno.report?.final ?? {};
  assert(Math.abs((example.report?.final?.loss ?? NaN) - ours) < 1e-4);
  assertEquals(example.report?.final?.accuracy, deno.report?.final?.accuracy);
  const { metrics = {} } = example.report?.final ?? {};
  assertEquals(Object.keys(metrics).length, 10);
  for (const [name, value] of Object.entries(metrics)) {
    assertAlmostEquals(value, deno.report?.final?.metrics?.[name] ?? NaN, 1e-4, name);
  }
});

pythonTest("gives signs of life while it trains", async (python, folder) => {
  const data = await writeCsv(`${folder}/all.csv`, train);
  const { report } = await federate({
    // A server gives up who is silent for six heartbeats, far less time than this training takes.
    handler: { plan: { epochs: 1500, batchSize: 50, learningRate: 0.1 } },
    server: { timeouts: { heartbeatSeconds: 0.3 } },
    join: (address) => [runExample(python, address, ["--data", data])],
  });
  assertEquals(report?.rounds.map(({ received }) => received), [1]);
  assert((report?.rounds[0]?.seconds ?? 0) > 6 * 0.3, "the training was too short to tell");
});

pythonTest("proves by the token, and says so when it has none", async (python, folder) => {
  const data = await writeCsv(`${folder}/all.csv`, train);
  const token = "correct horse battery";
  for (
    const [env, code, line] of [
      [{ FEDLAB_TOKEN: token }, 0, "The server ends the run"],
      [{ FEDLAB_TOKEN: `not the ${token}` }, 1, "The server says 'not-authorized'"],
      [{ FEDLAB_TOKEN: "" }, 1, "Cannot prove who this is: the server asks for a key or a token"],
    ] as const
  ) {
    let example: Promise<Outcome> | undefined;
    await federate({
      server: { gatekeeper: { kind: "token", token } },
      join: (address) => [example = runExample(python, address, ["--data", data], env)],
    });
    const outcome = await example;
    assertEquals(outcome?.code, code);
    assertStringIncludes(outcome?.stderr ?? "", line);
  }
});

pythonTest("ends in one line that names what is wrong", async (python, folder) => {
  const data = await writeCsv(`${folder}/few.csv`, train.select([0, 1, 2, 3]));
  const network = mlp({ inputShape: train.shape, numClasses: train.numClasses });
  const renamed: ModelDescription = JSON.parse(JSON.stringify(LR).replaceAll("logits", "other"));
  const penalty = { class_name: "L1L2", config: { l1: 0, l2: 0.01 } };
  const regularized: ModelDescription = JSON.parse(
    JSON.stringify(LR).replace('"use_bias"', `"kernel_regularizer":${JSON.stringify(penalty)},$&`),
  );
  const cases: [Federation["handler"], string[], RegExp][] = [
    [{}, ["--world-size", "5"], /^The server says 'world-size-mismatch': /],
    [{}, ["--rank", "9"], /^The server says 'rank-out-of-range': /],
    [{ model: network }, [], /^Cannot join: expected logistic regression .* got .*Dense, Dense /],
    [{ model: renamed, ...await initialParameters(LR, 1) }, [], /^Cannot join: expected /],
    [{ model: regularized, ...await initialParameters(LR, 1) }, [], /^Cannot join: expected /],
    [{ plan: { optimizer: "adam" } }, [], /^Cannot train by the plan: .*optimizer$/m],
  ];
  for (const [handler = {}, args, line] of cases) {
    let example: Promise<Outcome> | undefined;
    await federate({
      handler,
      join: (address) => [example = runExample(python, address, ["--data", data, ...args])],
    });
    const outcome = await example;
    assertEquals([outcome?.code, outcome?.stdout], [1, ""]);
    assertMatch(outcome?.stderr ?? "", line);
    assertEquals(outcome?.stderr.split("\n").length, 2);
  }
});

pythonTest("ends in one line when the server is gone", async (python, folder) => {
  const data = await writeCsv(`${folder}/few.csv`, train.select([0, 1, 2, 3]));
  const listener = Deno.listen({ hostname: "127.0.0.1", port: freePort() });
  const address = `127.0.0.1:${listener.addr.port}`;
  const example = runExample(python, address, ["--data", data]);
  const connection = await listener.accept();
  await connection.read(new Uint8Array(1024));
  connection.close();
  listener.close();
  const [broken, refused] = [await example, await runExample(python, address, ["--data", data])];
  assertEquals([broken.code, refused.code], [1, 1]);
  assertEquals(broken.stderr, "The server is gone: it closed the connection\n");
  assertMatch(refused.stderr, /^Cannot go on with .+ and .+: .+\n$/);
});

pythonTest(
  "ends with 1 when its run stopped before its end, and with 0 when that is over",
  async (python, folder) => {
    const data = await writeCsv(`${folder}/few.csv`, train.select([0, 1, 2, 3]));
    for (const [over, status] of [[false, 1], [true, 0], [undefined, 0]] as const) {
      const listener = await tcpTransport.listen("127.0.0.1:0");
      const running = runExample(python, listener.address, ["--data", data]);
      const channel = await listener.accept();
      assert(channel !== null);
      const connection = new Connection(channel);
      await connection.receive();
      const payload = { reason: "the test says so", ...(over !== undefined && { over }) };
      await connection.send({ code: MessageCode.Exit, payload });
      // The example waits for the end of the stream.
      await connection.receive();
      await connection.close();
      const { code, stderr } = await running;
      assertEquals([code, stderr], [status, "The server ends the run: 'the test says so'\n"]);
      await listener.close();
    }
  },
);

pythonTest("leaves by Exit when it is told to end", async (python, folder) => {
  const data = await writeCsv(`${folder}/few.csv`, train.select([0, 1, 2, 3]));
  const listener = await tcpTransport.listen("127.0.0.1:0");
  const example = new Deno.Command(python, {
    args: [SCRIPT, "--server", listener.address, "--data", data],
    stderr: "piped",
  }).spawn();
  const channel = await listener.accept();
  assert(channel !== null);
  const connection = new Connection(channel);
  const registration = await connection.receive();
  example.kill("SIGTERM");
  const exit = await connection.receive();
  assertEquals(registration?.message?.code, MessageCode.Registration);
  assertEquals(exit?.message, {
    code: MessageCode.Exit,
    payload: { reason: "Stopped by a signal" },
  });
  await connection.close();
  await listener.close();
  const { code, stderr } = await example.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [130, "Stopped by a signal\n"]);
});

const WARD: Schema = {
  format: "fedlab.schema/1",
  inputs: [
    { name: "age", kind: "number", unit: "years", standardize: { mean: 50.5, deviation: 12.25 } },
    {
      name: "chol",
      kind: "number",
      missing: { policy: "mean", fill: 1.5e-7, indicator: true },
      standardize: { mean: 2.5, deviation: 0 },
    },
    { name: "sex", kind: "category", categories: ["f", "m"], unknown: "other" },
    { name: "größe", kind: "boolean", missing: { policy: "constant", fill: true } },
  ],
  target: { name: "ill", task: "classification", classes: ["-1", "0", "true"] },
};
const WARD_COLUMNS = {
  sex: ["m", "f", "x", "m", "f", "m"],
  ill: ["-1.0", "0", "TRUE", "-1", "true", "+0"],
  chol: ["1", "", "NA", "3", "?", "4"],
  ward: ["a", "b", "c", "d", "e", "f"],
  age: ["63", "41.5", "5e1", "38", "70", "55"],
  größe: ["yes", "No", "", "1", "0", "T"],
};

/** Writes columns as a CSV file. */
async function writeColumns(
  path: string,
  columns: Readonly<Record<string, readonly string[]>>,
): Promise<string> {
  const [first = []] = Object.values(columns);
  const rows = first.map((_, i) => Object.values(columns).map((values) => values[i]));
  await Deno.writeTextFile(
    path,
    [Object.keys(columns), ...rows].map((row) => row.join(",")).join("\n") + "\n",
  );
  return path;
}

/** Model of the ward: 7 features and 3 classes. */
const WARD_MODEL = logisticRegression({ inputShape: [7], numClasses: 3 });

pythonTest(
  "arranges its rows by the server's schema as the Deno client does",
  async (python, folder) => {
    const data = await writeColumns(`${folder}/ward.csv`, WARD_COLUMNS);
    const handler = {
      ...await initialParameters(WARD_MODEL, 1),
      model: WARD_MODEL,
      schema: WARD,
      plan: { epochs: 3, batchSize: 0, learningRate: 0.5 },
    };
    const gaps = (texts: readonly string[]) =>
      texts.map((text) => ["", "NA", "?"].includes(text) ? null : text);
    const table = tableOf(
      "ward.csv",
      Object.fromEntries(Object.entries(WARD_COLUMNS).map(([name, texts]) => [name, gaps(texts)])),
    );
    const source = {
      name: "ward.csv",
      arrange: (schema: Schema | undefined) =>
        Promise.resolve({ train: arrangeTable(table, schema ?? WARD).dataset, notes: [] }),
    };
    const deno = await federate({
      handler,
      server: { rounds: 2 },
      join: (address) => [
        new ClientSyncTop(new NativeSGDHandler({ data: source }), {
          serverAddr: address,
          logger: silentLogger,
        }).run(),
      ],
    });
    let example: Promise<Outcome> | undefined;
    const { report, parameters } = await federate({
      handler,
      server: { rounds: 2 },
      join: (address) => [example = runExample(python, address, ["--data", data])],
    });
    const outcome = await example;
    assertEquals([outcome?.code, outcome?.stdout], [
      0,
      "Joined as rank 1 of 2, with 6 samples\n",
    ], outcome?.stderr);
    assertEquals(report?.schemaDigest, await schemaDigest(WARD));
    const off = parameters.map((value, i) => Math.abs(value - (deno.parameters[i] ?? NaN)));
    assert(Math.max(...off) < 1e-5, `the parameters differ by ${Math.max(...off)}`);
  },
);

pythonTest("refuses what does not fit the schema in one line", async (python, folder) => {
  const { sex: _, ...lacking } = WARD_COLUMNS;
  const cases: [Readonly<Record<string, readonly string[]>>, RegExp][] = [
    [lacking, /: expected the column sex, got .*ward/],
    [{ ...WARD_COLUMNS, age: ["1", "2", "old", "4", "5", "6"] }, /row 3, column age: .*'old'$/],
    [{ ...WARD_COLUMNS, ill: ["no", "0", "0", "0", "0", "0"] }, /the classes -1, 0, true; got no$/],
  ];
  const model = { ...await initialParameters(WARD_MODEL, 1), model: WARD_MODEL };
  for (const [columns, line] of cases) {
    const data = await writeColumns(`${folder}/ward.csv`, columns);
    let example: Promise<Outcome> | undefined;
    await federate({
      handler: { ...model, schema: WARD },
      join: (address) => [example = runExample(python, address, ["--data", data])],
    });
    const outcome = await example;
    assertEquals(outcome?.code, 1);
    assertMatch(outcome?.stderr.trimEnd() ?? "", line);
    assertEquals(outcome?.stderr.split("\n").length, 2);
  }
});

pythonTest(
  "with named columns needs a schema, of the server or its own",
  async (python, folder) => {
    const data = await writeColumns(`${folder}/ward.csv`, WARD_COLUMNS);
    const model = { ...await initialParameters(WARD_MODEL, 1), model: WARD_MODEL };
    const schema = `${folder}/schema.json`;
    await Deno.writeTextFile(schema, JSON.stringify(WARD));
    const other = { ...WARD, target: { ...WARD.target, classes: ["0", "-1", "true"] } } as Schema;
    const own = ["--schema", schema];
    const cases: [Schema | undefined, string[], number, RegExp][] = [
      [
        undefined,
        [],
        1,
        /^Cannot join: expected a server with a schema of columns, got one without/,
      ],
      [undefined, own, 0, /^The server ends the run/],
      [WARD, own, 0, /^The server ends the run/],
      [other, own, 1, /^Cannot join: the server has another schema than this client was given$/],
    ];
    for (const [ofServer, args, code, line] of cases) {
      let example: Promise<Outcome> | undefined;
      await federate({
        handler: { ...model, ...(ofServer && { schema: ofServer }) },
        join: (address) => [example = runExample(python, address, ["--data", data, ...args])],
      });
      const outcome = await example;
      assertEquals(outcome?.code, code, outcome?.stderr);
      assertMatch(outcome?.stderr.trimEnd() ?? "", line);
    }
  },
);

pythonTest(
  "writes numbers and texts of a schema in canonical form as JavaScript does",
  async (python) => {
    const random = new Random(1, "test");
    const numbers = [0, -0, 1, -1.5, 0.1, 1e21, 1e20, 123456789012345680000, 1e-6, 1e-7, 5e-324];
    for (let i = 0; i < 500; i++) {
      numbers.push(
        (random.uniform() - 0.5) * 10 ** (random.below(60) - 30),
      );
    }
    const value = {
      b: numbers,
      a: [true, false, null, 'q"\\\n\u0007ü€𝒳'],
      "𝒳": 1,
      "\ufb33": 2,
      é: 3,
    };
    const code = `import sys, json; sys.path.insert(0, ${
      JSON.stringify(`${import.meta.dirname}/../../examples/python`)
    }); import schema; sys.stdout.buffer.write(schema.canonical(json.loads(sys.stdin.buffer.read())).encode())`;
    const process = new Deno.Command(python, {
      args: ["-c", code],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(value)));
    await writer.close();
    const { stdout } = await process.output();
    assertEquals(new TextDecoder().decode(stdout), canonicalJson(value));
  },
);

pythonTest(
  "agrees with the schema of data without names by shape, classes and scale",
  async (python, folder) => {
    const data = await writeCsv(`${folder}/few.csv`, train.select([0, 1, 2, 3]));
    const { schema } = train;
    assert(schema);
    const [image] = schema.inputs;
    assert(image && "shape" in image);
    const generator = { name: "strokes", settings: { seed: 1 } };
    const drawn: Schema = { ...schema, inputs: [{ ...image, generator }] };
    const SCALED = ["--scale", "0.0625"];
    const cases: [Schema, string[], number, RegExp][] = [
      [schema, SCALED, 0, /^The server ends the run/],
      [schema, [], 1, /^Cannot use .*few\.csv: expected data of image, got 64 .* of scale 1 /],
      [drawn, SCALED, 1, /^Cannot use .*few\.csv: expected data of image, got 64 features /],
    ];
    for (const [agreed, args, code, line] of cases) {
      let example: Promise<Outcome> | undefined;
      await federate({
        handler: { ...await initialParameters(LR, 1), schema: agreed },
        join: (address) => [example = runExample(python, address, ["--data", data, ...args])],
      });
      const outcome = await example;
      assertEquals(outcome?.code, code, outcome?.stderr);
      assertMatch(outcome?.stderr ?? "", line);
    }
  },
);

Deno.test("examples/python without its packages says in a line how to get them", async () => {
  const code = `import runpy, sys; sys.modules["cbor2"] = None; runpy.run_path(${
    JSON.stringify(SCRIPT)
  })`;
  const { stderr } = await new Deno.Command("python3", { args: ["-c", code] }).output();
  assertMatch(new TextDecoder().decode(stderr), /^Cannot begin: .*cbor2.*; run: pip install .*\n$/);
});

const OWN = "client coding delta eden identity masks members noise peer schema secure sums".split(
  " ",
);

Deno.test("examples/python is twelve files under 150 lines and needs numpy and cbor2 alone, and cryptography for masks", async () => {
  const texts = await Promise.all(
    OWN.map((name) => Deno.readTextFile(SCRIPT.replace("client.py", `${name}.py`))),
  );
  for (const text of texts) assert(text.trimEnd().split("\n").length < 150);
  const modules = texts.join("\n").matchAll(
    /^\s*(?:try: )?(?:import|from) ([\w., ]+)/gm,
  )
    .flatMap((
      [, names = ""],
    ) =>
      (names.split(" import ")[0] ?? "").split(",").map((name) =>
        name.trim().split(/[ .]/)[0] ?? ""
      )
    );
  const standard =
    "argparse base64 contextlib csv datetime decimal gzip hashlib hmac json math os pathlib re secrets select signal socket struct sys threading time";
  assertEquals(
    [...new Set(modules)].sort(),
    [...standard.split(" "), ...OWN.slice(1), "cbor2", "cryptography", "numpy"].sort(),
  );
});
