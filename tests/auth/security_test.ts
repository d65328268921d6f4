import { assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, type Outcome, runCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TLS = `${import.meta.dirname}/../fixtures/tls`;
const TOKEN = "a token of at least sixteen characters";
const RUN = ["--listen", "127.0.0.1:0", "--rounds", "2", "--json", "server.json"];

/** Makes a key, and gives the line for the server's list. */
async function makeKey(path: string, folder: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand("keygen", ["--out", path], folder);
  assertEquals(code, 0, stderr);
  return stdout.trim();
}

const NO_FILE =
  "Cannot read FILE: there is no such file, relative paths start at the current folder";

Deno.test("clients with keys on the server's list join over TLS; a key that is not there, or none, is refused", () =>
  inFolder(async (folder) => {
    const allowed = [await makeKey("one.key", folder), await makeKey("two.key", folder)];
    await makeKey("stranger.key", folder);
    await Deno.writeTextFile(`${folder}/allowed`, `# clients\n${allowed.join(" a name\n")}\n`);
    const server = startCommand("server", [
      ...RUN,
      "--world-size",
      "3",
      "--tls-cert",
      `${TLS}/server.pem`,
      "--tls-key",
      `${TLS}/server.key`,
      "--allow-keys",
      "allowed",
    ], folder);
    const [, address = ""] = await server.said(/Listening on tls (\S+)/);
    const client = (args: string[]) =>
      runCommand("client", [
        "--server",
        address,
        "--tls-ca",
        `${TLS}/ca.pem`,
        "--part",
        "1/2",
        ...args,
      ], folder);
    const refused = await Promise.all([client(["--key", "stranger.key"]), client([])]);
    assertEquals(refused.map(({ code }) => code), [1, 1]);
    assertMatch(refused[0]?.stderr ?? "", /is not among those that the server allows/);
    assertMatch(refused[1]?.stderr ?? "", /the server asks for a key, and none was given/);
    const untrusting = await runCommand("client", [
      "--server",
      address,
      "--tls",
      "--join-seconds",
      "1",
    ], folder);
    assertEquals(untrusting.code, 1);
    const lost = await runCommand("client", ["--server", address, "--tls-ca", "ca"], folder);
    assertEquals(lost.stderr, `error: ${NO_FILE.replace("FILE", "ca")}\n`);
    const joined = await Promise.all([client(["--key", "one.key"]), client(["--key", "two.key"])]);
    assertEquals(
      joined.map(({ code }) => code),
      [0, 0],
      joined.map(({ stderr }) => stderr).join("\n"),
    );
    assertEquals((await server.outcome).code, 0);
    const secret = (await Deno.readTextFile(`${folder}/one.key`)).split("\n")[1] ?? "";
    const everything = [...refused, ...joined, await server.outcome];
    assertEquals(everything.filter(({ stdout, stderr }) => (stdout + stderr).includes(secret)), []);
  }));

Deno.test("clients that know the token join; another token is refused, and none is ever shown", () =>
  inFolder(async (folder) => {
    const server = startCommand("server", [...RUN, "--world-size", "2"], folder, {
      FEDLAB_TOKEN: TOKEN,
    });
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const client = (token: string): Promise<Outcome> =>
      startCommand("client", ["--server", address], folder, { FEDLAB_TOKEN: token }).outcome;
    const wrong = await client("another token of sixteen characters");
    assertEquals(wrong.code, 1);
    assertMatch(wrong.stderr, /the client has another token/);
    assertEquals((await client("short")).code, 1);
    const right = await client(TOKEN);
    assertEquals(right.code, 0, right.stderr);
    const outcomes = [wrong, right, await server.outcome];
    assertEquals(outcomes.filter(({ stdout, stderr }) => (stdout + stderr).includes(TOKEN)), []);
  }));

Deno.test("a server that lets everyone join listens on loopback alone, unless told otherwise", () =>
  inFolder(async (folder) => {
    const { code, stderr } = await runCommand("server", [
      "--listen",
      "0.0.0.0:0",
      "--world-size",
      "2",
    ], folder);
    assertEquals(code, 2);
    assertMatch(stderr, /expected --allow-keys or FEDLAB_TOKEN to listen on 0\.0\.0\.0:0/);
    const both = ["--world-size", "2", "--insecure", "--allow-keys", "any.keys"];
    const contradicting = await runCommand("server", both, folder);
    assertEquals(contradicting.code, 2);
    assertMatch(contradicting.stderr, /expected --allow-keys or --insecure, which .*, got both/);
    const server = startCommand("server", [
      "--listen",
      "0.0.0.0:0",
      "--world-size",
      "2",
      "--insecure",
    ], folder);
    await server.said(/Listening on tcp 0\.0\.0\.0:/);
    server.process.kill("SIGTERM");
    assertEquals((await server.outcome).code, 143);
  }));

Deno.test("a client joins over wss, if it knows the server's CA", () =>
  inFolder(async (folder) => {
    const server = startCommand("server", [
      "--listen",
      "wss://127.0.0.1:0/federation",
      "--rounds",
      "1",
      "--world-size",
      "2",
      "--tls-cert",
      `${TLS}/server.pem`,
      "--tls-key",
      `${TLS}/server.key`,
    ], folder);
    const [, address = ""] = await server.said(/Listening on websocket (wss:\S+)/);
    const untrusting = await runCommand("client", ["--server", address], folder);
    assertEquals(untrusting.code, 1);
    assertMatch(untrusting.stderr, /is signed by no CA that this client trusts/);
    const client = await runCommand("client", [
      "--server",
      address,
      "--tls-ca",
      `${TLS}/ca.pem`,
    ], folder);
    assertEquals([client.code, (await server.outcome).code], [0, 0], client.stderr);
  }));

Deno.test("a WebSocket that others can reach asks for keys or a token too, and wss for a certificate", () =>
  inFolder(async (folder) => {
    const start = (address: string) =>
      runCommand("server", ["--listen", address, "--world-size", "2"], folder);
    const open = await start("ws://0.0.0.0:0/");
    assertEquals(open.code, 2);
    assertMatch(open.stderr, /expected --allow-keys or FEDLAB_TOKEN to listen on ws:/);
    const bare = await start("wss://127.0.0.1:0/");
    assertEquals(bare.code, 1);
    assertMatch(bare.stderr, /Cannot listen on wss:.*: wss needs a certificate and its key/);
  }));

Deno.test("options of keys are refused where they would say nothing, or something else", () =>
  inFolder(async (folder) => {
    const server = await runCommand(
      "server",
      ["--world-size", "2", "--seats-per-key", "2"],
      folder,
    );
    assertEquals(server.code, 2);
    assertMatch(server.stderr, /expected --allow-keys with --seats-per-key/);
    const keygen = await runCommand("keygen", ["--out", "a.key", "--name", "ward rank=1"], folder);
    assertEquals(keygen.code, 2);
    assertMatch(keygen.stderr, /expected --name without =/);
    assertEquals([...Deno.readDirSync(folder)], []);
  }));
