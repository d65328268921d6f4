import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { readSafetensors, type RunReport } from "../../mod.ts";
import {
  type CommandName,
  inFolder,
  type Outcome,
  runCommand,
  startCommand,
} from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

async function readReport(path: string): Promise<RunReport> {
  return JSON.parse(await Deno.readTextFile(path));
}

/** The one line that an error is. */
function errorLine({ stderr }: Outcome): string {
  const lines = stderr.split("\n").filter((line) => line.startsWith("error: "));
  assertEquals(lines.length, 1, stderr);
  assert(!stderr.includes("    at "), stderr);
  return lines[0] ?? "";
}

Deno.test("demo learns the digits, and leaves report, curve and model behind", () =>
  inFolder(async (folder) => {
    const { code, stdout, stderr } = await runCommand(
      "demo",
      ["--seed", "7", "--out", `${folder}/run`, "--json", `${folder}/r.json`],
      folder,
    );
    assertEquals(code, 0, stderr);
    const report = await readReport(`${folder}/r.json`);
    assertEquals(report.schema, "fedlab.run/1");
    assert((report.final?.accuracy ?? 0) >= 0.95, stdout);
    assertEquals(report.final?.samples, 297);
    assertEquals(await readReport(`${folder}/run/report.json`), report);
    assertMatch(await Deno.readTextFile(`${folder}/run/accuracy.svg`), /^<svg [^]*<\/svg>\n$/);
    const stored = await readSafetensors(`${folder}/run/model.safetensors`);
    const digest = await crypto.subtle.digest("SHA-256", stored.parameters);
    assertEquals(new Uint8Array(digest).toHex(), report.modelDigest);
    assertMatch(stdout, new RegExp(report.modelDigest));
    const logs = [...Deno.readDirSync(`${folder}/run/log`)].map(({ name }) => name).sort();
    assertEquals(logs, [
      "clientLog1.txt",
      "clientLog2.txt",
      "clientLog3.txt",
      "clientLog4.txt",
      "serverLog.txt",
    ]);
  }));

Deno.test("demo gives one digest for one seed, over TCP or WebSockets in workers and in memory", () =>
  inFolder(async (folder) => {
    const digest = async (name: string, args: string[]) => {
      const { code, stderr } = await runCommand(
        "demo",
        ["--rounds", "3", "--json", name, ...args],
        folder,
      );
      assertEquals(code, 0, stderr);
      return (await readReport(`${folder}/${name}`)).modelDigest;
    };
    const first = await digest("1.json", ["--seed", "7"]);
    assertEquals(await digest("2.json", ["--seed", "7"]), first);
    assertEquals(await digest("3.json", ["--seed", "7", "--transport", "memory"]), first);
    assertEquals(await digest("5.json", ["--seed", "7", "--transport", "websocket"]), first);
    assert(await digest("4.json", ["--seed", "8"]) !== first);
  }));

Deno.test("demo --strategy aggregates by the one that is named, with its options", () =>
  inFolder(async (folder) => {
    const report = async (strategy: string) => {
      const { code, stderr } = await runCommand(
        "demo",
        ["--rounds", "1", "--transport", "memory", "--strategy", strategy, "--json", "r.json"],
        folder,
      );
      assertEquals(code, 0, stderr);
      return await readReport(`${folder}/r.json`);
    };
    const plain = await report("fedavg");
    const same = await report("fedavgm:momentum=0");
    assertEquals([same.strategy, same.modelDigest], ["fedavgm", plain.modelDigest]);
    assert((await report("fedavgm:momentum=0,lr=0.5")).modelDigest !== plain.modelDigest);
  }));

Deno.test("demo --selection and --fraction say which clients a round takes", () =>
  inFolder(async (folder) => {
    const selection = ["--selection", "round-robin", "--fraction", "0.5", "--clients", "4"];
    const { code, stderr } = await runCommand(
      "demo",
      ["--rounds", "3", "--transport", "memory", ...selection, "--json", "r.json"],
      folder,
    );
    assertEquals(code, 0, stderr);
    const { rounds } = await readReport(`${folder}/r.json`);
    assertEquals(rounds.map(({ cohort }) => cohort), [[1, 2], [3, 4], [1, 2]]);
  }));

Deno.test("demo --strict-determinism takes the kernels that round alike everywhere, in its workers too", () =>
  inFolder(async (folder) => {
    const reports: RunReport[] = [];
    for (const transport of ["tcp", "memory"]) {
      const file = `${folder}/${transport}.json`;
      const args = ["--strict-determinism", "--rounds", "2", "--clients", "2"];
      const { code, stderr } = await runCommand(
        "demo",
        [...args, "--transport", transport, "--json", file],
        folder,
      );
      assertEquals(code, 0, stderr);
      reports.push(await readReport(file));
    }
    assertEquals(reports.map(({ kernels }) => kernels), ["simd128", "simd128"]);
    assertEquals(reports[0]?.modelDigest, reports[1]?.modelDigest);
  }));

Deno.test("demo takes optimizer, nesterov and proximal, which reach the clients' training", () =>
  inFolder(async (folder) => {
    const digests = new Set<string>();
    const cases = [
      ["--lr", "0.01"],
      ["--lr", "0.01", "--proximal", "1"],
      ["--lr", "0.01", "--momentum", "0.5"],
      ["--lr", "0.01", "--momentum", "0.5", "--nesterov"],
      ["--lr", "0.01", "--optimizer", "adam"],
    ];
    for (const args of cases) {
      const { code, stderr } = await runCommand(
        "demo",
        ["--rounds", "1", "--clients", "2", "--transport", "memory", "--json", "r.json", ...args],
        folder,
      );
      assertEquals(code, 0, stderr);
      digests.add((await readReport(`${folder}/r.json`)).modelDigest);
    }
    assertEquals(digests.size, cases.length);
  }));

for (const listen of ["127.0.0.1:0", "ws://127.0.0.1:0/federation"]) {
  Deno.test(`server and clients as processes end by themselves, each with status 0, over ${listen}`, () =>
    inFolder(async (folder) => {
      const server = startCommand(
        "server",
        ["--listen", listen, "--world-size", "3", "--rounds", "5", "--json", "server.json"],
        folder,
      );
      const [, address = ""] = await server.said(/Listening on (?:tcp|websocket) (\S+)/);
      const clients = [1, 2].map((rank) =>
        startCommand(
          "client",
          [
            "--server",
            address,
            "--rank",
            `${rank}`,
            "--part",
            `${rank}/2`,
            "--engine",
            rank === 1 ? "native" : "tfjs",
            "--json",
            `client${rank}.json`,
          ],
          folder,
        )
      );
      const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
      assertEquals(
        outcomes.map(({ code }) => code),
        [0, 0, 0],
        outcomes.map(({ stderr }) => stderr).join("\n"),
      );
      const report = await readReport(`${folder}/server.json`);
      assertEquals(report.rounds.map(({ received }) => received), [2, 2, 2, 2, 2]);
      const client = JSON.parse(await Deno.readTextFile(`${folder}/client2.json`));
      assertEquals([client.schema, client.rank, client.rounds.length], ["fedlab.client/1", 2, 5]);
      assertEquals(client.rounds[0].numSamples, 750);
      assertMatch(await Deno.readTextFile(`${folder}/log/clientLog1.txt`), /client-1 INFO Joined/);
      assertMatch(outcomes[1]?.stderr ?? "", /Training on the native engine/);
      assertMatch(outcomes[2]?.stderr ?? "", /Training on tfjs/);
    }));
}

Deno.test("a client process that is killed in the middle of a round is reported, and the run ends", () =>
  inFolder(async (folder) => {
    const server = startCommand(
      "server",
      [
        "--listen",
        "127.0.0.1:0",
        "--world-size",
        "5",
        "--rounds",
        "4",
        "--epochs",
        "40",
        "--heartbeat-seconds",
        "0.5",
        "--json",
        "server.json",
      ],
      folder,
    );
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2, 3, 4].map((rank) =>
      startCommand(
        "client",
        ["--server", address, "--rank", `${rank}`, "--part", `${rank}/4`],
        folder,
      )
    );
    await server.said(/Round 1 of 4/);
    clients[2]?.process.kill("SIGKILL");
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(
      outcomes.map(({ code }) => code),
      [0, 0, 0, 137, 0],
      outcomes.map(({ stderr }) => stderr).join("\n"),
    );
    const report = await readReport(`${folder}/server.json`);
    assertEquals(report.rounds.length, 4);
    const losses = report.rounds.flatMap(({ losses }) => losses.map(({ rank }) => rank));
    assertEquals(losses, [3]);
    assertEquals(report.rounds.at(-1)?.cohort, [1, 2, 4]);
  }));

Deno.test("SIGINT ends a server and its clients, and leaves the model so far", () =>
  inFolder(async (folder) => {
    const server = startCommand(
      "server",
      [
        "--listen",
        "127.0.0.1:0",
        "--world-size",
        "2",
        "--rounds",
        "100000",
        "--out",
        `${folder}/run`,
      ],
      folder,
    );
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const client = startCommand("client", ["--server", address], folder);
    await server.said(/Round 2 of 100000/);
    server.process.kill("SIGINT");
    assertEquals((await server.outcome).code, 130);
    assertEquals((await client.outcome).code, 0, (await client.outcome).stderr);
    const report = await readReport(`${folder}/run/report.json`);
    assert(report.rounds.length >= 2);
    await readSafetensors(`${folder}/run/model.safetensors`);
  }));

Deno.test("SIGINT ends a client, which leaves its report so far", () =>
  inFolder(async (folder) => {
    const server = startCommand(
      "server",
      ["--listen", "127.0.0.1:0", "--world-size", "2", "--rounds", "100000"],
      folder,
    );
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const client = startCommand("client", ["--server", address, "--json", "c.json"], folder);
    await server.said(/Round 2 of 100000/);
    client.process.kill("SIGINT");
    const { code, stderr } = await client.outcome;
    assertEquals(code, 130, stderr);
    const report = JSON.parse(await Deno.readTextFile(`${folder}/c.json`));
    assertEquals([report.schema, report.rank], ["fedlab.client/1", 1]);
    assert(report.rounds.length >= 2 && report.seconds > 0);
    server.process.kill("SIGINT");
    assertEquals((await server.outcome).code, 130);
  }));

Deno.test("SIGTERM ends the demo and all its workers", () =>
  inFolder(async (folder) => {
    const demo = startCommand("demo", ["--rounds", "100000"], folder);
    await demo.said(/Round 1 of 100000/);
    demo.process.kill("SIGTERM");
    assertEquals((await demo.outcome).code, 143);
  }));

Deno.test("a port in use is one line and status 1", () =>
  inFolder(async (folder) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const outcome = await runCommand(
      "server",
      ["--listen", `127.0.0.1:${listener.addr.port}`, "--world-size", "2"],
      folder,
    );
    assertEquals(outcome.code, 1);
    assertMatch(errorLine(outcome), /the port is in use, choose another/);
  }));

Deno.test("a server that is not there is one line and status 1", () =>
  inFolder(async (folder) => {
    const outcome = await runCommand(
      "client",
      ["--server", "127.0.0.1:1", "--join-seconds", "0.2"],
      folder,
    );
    assertEquals(outcome.code, 1);
    assertMatch(errorLine(outcome), /Cannot connect to 127.0.0.1:1: no server answers there/);
  }));

Deno.test("data that is missing or not what it claims is one line that names it, and status 1", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/torn.csv`, "a,b,label\n1,2,0\n3\n");
    await Deno.writeTextFile(`${folder}/fake-images-idx3-ubyte`, "no images at all");
    await Deno.writeTextFile(`${folder}/fake-labels-idx1-ubyte`, "no labels at all");
    await Deno.mkdir(`${folder}/mnist`);
    await Deno.writeTextFile(`${folder}/mnist/train-images-idx3-ubyte.gz`, "no images at all");
    const cases: [string, RegExp][] = [
      ["absent.csv", /absent\.csv/],
      ["torn.csv", /torn\.csv/],
      ["fake-images-idx3-ubyte", /fake-(images-idx3|labels-idx1)-ubyte/],
      ["mnist", /Cannot use .*mnist\/train-images-idx3-ubyte\.gz: expected SHA-256/],
    ];
    for (const [data, names] of cases) {
      const outcome = await runCommand("client", ["--data", data, "--data-dir", folder], folder);
      assertEquals(outcome.code, 1);
      assertMatch(
        errorLine(outcome),
        names,
      );
    }
  }));

Deno.test("simulate tries a round as often as --round-tries says, and needs the --quorum", () =>
  inFolder(async (folder) => {
    const diverging = ["--clients", "4", "--fraction", "1", "--model", "lr", "--lr", "1e38"];
    const limits = ["--workers", "1", "--quorum", "0.75", "--round-tries", "1"];
    const outcome = await runCommand("simulate", [...diverging, ...limits], folder);
    assertEquals(outcome.code, 1);
    assertMatch(errorLine(outcome), /0 of 4 updates, below the quorum of 3, after 1 tries/);
  }));

Deno.test("wrong usage is status 2 and says what was expected", () =>
  inFolder(async (folder) => {
    const cases: [CommandName, string[], RegExp][] = [
      ["server", [], /--world-size/],
      ["server", ["--world-size", "1"], /Expected a whole number from 2/],
      [
        "server",
        ["--world-size", "3", "--min-clients", "3"],
        /--min-clients below the world size of 3, got 3/,
      ],
      ["server", ["--world-size", "3", "--lr", "0"], /Expected a number above 0/],
      ["client", ["--part", "3/2"], /Expected I\/N/],
      ["client", ["--rank", "0"], /Expected a whole number from 1/],
      ["demo", ["--optimizer", "lbfgs"], /Allowed choices are sgd, adam/],
      ["demo", ["--optimizer", "adam", "--momentum", "0.9"], /no --momentum with --optimizer adam/],
      ["demo", ["--nesterov"], /expected --momentum with --nesterov/],
      ["demo", ["--proximal", "-1"], /Expected a number from 0/],
      ["demo", ["--strategy", "fedmax"], /expected one of fedavg, fedavgm, .*, got fedmax/],
      [
        "server",
        ["--strategy", "krum:f=1"],
        /Cannot make krum: expected one of the options attackers/,
      ],
      [
        "demo",
        ["--selection", "best"],
        /expected one of uniform, samples, round-robin, power-of-choice, availability, got best/,
      ],
      [
        "server",
        ["--selection", "power-of-choice:k=2"],
        /Cannot make power-of-choice: expected one of the options d, got k/,
      ],
      ["client", ["--tls", "--server", "ws://127.0.0.1:9/"], /expected wss: with --tls/],
      [
        "server",
        ["--world-size", "2", "--hosts", "fl.example"],
        /expected ws: or wss: with --hosts/,
      ],
      ["client", ["--partition", "shards:2"], /expected --part with --partition/],
      ["reproduce", ["cnn-shards", "--short"], /expected no --short with cnn-shards/],
      ["reproduce", ["cnn-shards", "--codecs"], /expected no --codecs with cnn-shards/],
      ["reproduce", ["cnn-iid", "--private"], /expected no cnn-iid with --private/],
      ["reproduce", ["--codecs", "--private"], /expected no --codecs with --private/],
      ["reproduce", ["cnn"], /Allowed cases are 2nn-iid, 2nn-shards/],
      [
        "simulate",
        ["--fraction", "0.5", "--cohort-size", "3"],
        /expected --fraction or --cohort-size, got both/,
      ],
      ["simulate", ["--hold-out", "0.2"], /expected --evaluate clients or both with --hold-out/],
      ["client", ["--hold-out", "1"], /Expected a number above 0 and below 1/],
      [
        "simulate",
        ["--cohort-size", "30", "--clients", "20"],
        /--cohort-size of at most 20 clients, got 30/,
      ],
      [
        "demo",
        ["--clients", "65"],
        /at most 64 --clients with --transport tcp.*--transport memory, or the command simulate/,
      ],
      ["simulate", ["--quorum", "0"], /Expected a number above 0 and up to 1/],
      ["simulate", ["--round-tries", "0"], /Expected a whole number from 1/],
      ["demo", ["--transport", "gloo"], /Allowed choices are tcp, websocket, memory/],
      ["client", ["--engine", "torch"], /Allowed choices are auto, native, tfjs/],
      ["demo", ["--sed", "1"], /unknown option '--sed'/],
    ];
    for (const [task, args, message] of cases) {
      const { code, stderr } = await runCommand(task, args, folder);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, message);
    }
  }));

Deno.test("every command has --help, with status 0 and on standard output", () =>
  inFolder(async (folder) => {
    for (const task of ["demo", "server", "client", "partition"] as const) {
      const { code, stdout } = await runCommand(task, ["--help"], folder);
      assertEquals(code, 0);
      for (const flag of ["--seed", "--json", "--verbose", "--help"]) {
        assert(stdout.includes(flag), `${task} ${flag}`);
      }
    }
    const { stdout } = await runCommand("simulate", ["--help"], folder);
    assertMatch(stdout.replaceAll(/\s+/g, " "), /part in a round \(C\) \(default: 0\.1\)/);
  }));
