import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@1.0.19";
import { readSeed } from "../../../src/cluster/config/read_seed.ts";
import {
  type ClusterConfigOptions,
  writeClusterConfig,
} from "../../../src/cluster/config/write_config.ts";
import { inFolder, runCommand } from "../../helpers/command.ts";

const IS_WINDOWS = Deno.build.os === "windows";

function optionsFor(out: string, worker = 2): ClusterConfigOptions {
  return {
    ...{ out, host: "0.0.0.0", port: 4222, hosts: ["nats.example.org", "10.0.0.5"], tls: true },
    ...{ store: "/var/lib/nats", maxStore: "10GB", syncInterval: "2m", days: 30 },
    counts: { worker, coordinator: 1, watcher: 1 },
  };
}

const textOf = (path: string) => Deno.readTextFile(path);

Deno.test("writeClusterConfig() writes keys that only their owner may read", () =>
  inFolder(async (folder) => {
    const out = `${folder}/cluster`;
    const { files, users } = await writeClusterConfig(optionsFor(out));
    assertEquals(files.length, 4 + 2 * 4 + 1);
    assertEquals(users.map(({ name }) => name), [
      ...["worker-1", "worker-2", "coordinator-1", "watcher-1"],
    ]);
    for (const file of files) {
      const { mode } = await Deno.stat(file);
      const isSecret = /\.(seed|key)$/.test(file);
      if (!IS_WINDOWS) assertEquals(((mode ?? 0) & 0o077) === 0, isSecret, file);
    }
    const conf = await textOf(`${out}/nats.conf`);
    for (const { publicKey } of users) assert(conf.includes(`nkey: ${publicKey}`));
    assert(!/SU[A-Z2-7]{56}|PRIVATE/.test(conf));
    assertMatch(conf, /max_payload: 1MB\n[^]*sync_interval: "2m"\n/);
  }));

Deno.test("writeClusterConfig() adds users to those of a folder, and leaves out removed ones", () =>
  inFolder(async (folder) => {
    const { users } = await writeClusterConfig(optionsFor(folder));
    const authority = await textOf(`${folder}/ca.pem`),
      seed = await textOf(`${folder}/worker-1.seed`);
    await Deno.remove(`${folder}/worker-2.pub`);
    const again = await writeClusterConfig(optionsFor(folder, 3));
    assertEquals(again.users.map(({ name }) => name).sort(), [
      ...["coordinator-1", "watcher-1", "worker-1", "worker-3", "worker-4"],
    ]);
    assertEquals(again.users.find(({ name }) => name === "worker-1"), users[0]);
    assertEquals(await textOf(`${folder}/ca.pem`), authority);
    assertEquals(await textOf(`${folder}/worker-1.seed`), seed);
    const conf = await textOf(`${folder}/nats.conf`);
    assert(!conf.includes(users[1]?.publicKey ?? "nkey"));
  }));

Deno.test("writeClusterConfig() names a key that is no key, and half of an authority", () =>
  inFolder(async (folder) => {
    await writeClusterConfig(optionsFor(folder));
    const conf = await textOf(`${folder}/nats.conf`);
    const seed = await textOf(`${folder}/worker-1.seed`);
    for (const text of ["", "UNKNOWN", seed]) {
      await Deno.writeTextFile(`${folder}/worker-1.pub`, text);
      const error = await assertRejects(() => writeClusterConfig(optionsFor(folder)), Error);
      assertMatch(error.message, /^Cannot read .*worker-1.pub: expected a public nkey "U…"$/);
    }
    await Deno.remove(`${folder}/ca.key`);
    await assertRejects(
      () => writeClusterConfig(optionsFor(folder)),
      Error,
      `Cannot go on with ${folder}/ca.pem: expected ${folder}/ca.key beside it`,
    );
    assertEquals(await textOf(`${folder}/nats.conf`), conf);
  }));

Deno.test("readSeed() reads a seed, warns of an open file, and shows nothing of another text", () =>
  inFolder(async (folder) => {
    await writeClusterConfig(optionsFor(folder));
    const path = `${folder}/worker-1.seed`, warnings: string[] = [];
    const warn = (line: string) => void warnings.push(line);
    assertMatch(await readSeed(path, warn), /^SU[A-Z2-7]{56}$/);
    assertEquals(warnings, []);
    if (!IS_WINDOWS) {
      await Deno.chmod(path, 0o644);
      await readSeed(path, warn);
      assertMatch(warnings.join(), /may be read by others \(mode 0644\)/);
    }
    await Deno.writeTextFile(path, "SUSECRET");
    const error = await assertRejects(() => readSeed(path, warn), Error);
    assertEquals(
      error.message,
      `Cannot read the key in ${path}: expected the seed of a user's nkey, "SU…"`,
    );
    await assertRejects(() => readSeed(`${folder}/no.seed`, warn), Error, "there is no such file");
  }));

Deno.test("cluster-config writes the files and names what it cannot use", () =>
  inFolder(async (folder) => {
    const made = await runCommand("cluster-config", ["--host", "10.0.0.5,nats"], folder);
    assertEquals(made.code, 0, made.stderr);
    assertMatch(made.stdout, /cluster\/worker-1.seed\n[^]*cluster\/nats.conf\n$/);
    assertMatch(made.stderr, /3 users; address of the cluster: tls:\/\/10.0.0.5:4222\n/);
    const cases: [string[], RegExp][] = [
      [[], /--host/],
      [["--host", "tls://x:1"], /Expected host names or IP addresses, without ports/],
      [["--host", "x", "--max-store", "lots"], /Expected an amount such as/],
      [["--host", "x", "--sync", "sometimes"], /Expected always, or a time/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await runCommand("cluster-config", args, folder);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, message);
    }
  }));
