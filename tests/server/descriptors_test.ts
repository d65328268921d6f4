import { assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";

Deno.test.sanitizer({ ops: true, resources: true });

/** Program that begins a server of that many clients, and prints its error or warning. */
function program(clients: number, minClients: number): string {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  return `import { Manifest, ServerSyncTop, silentLogger, SyncParameterServerHandler } from "${mod}";
    const manifest = Manifest.of([{ name: "w", shape: [1] }]);
    const handler = new SyncParameterServerHandler({ manifest, parameters: new Float32Array(1) });
    const stop = new AbortController();
    const server = new ServerSyncTop(handler, {
      listen: "127.0.0.1:0", worldSize: ${clients + 1}, minClients: ${minClients}, rounds: 1,
      logger: { ...silentLogger, warn: (text) => console.log("warning: " + text) },
      onEvent: ({ type }) => type === "listening" && stop.abort(new Error("listened")),
    });
    await server.run({ signal: stop.signal }).catch(({ message }) => console.log(message));`;
}

/** Runs a program in a process that may have that many file descriptors; returns its lines. */
async function linesOf(code: string, descriptors: number): Promise<string[]> {
  const { stdout, stderr, success } = await new Deno.Command("sh", {
    args: ["-c", `ulimit -n ${descriptors} && exec "$0" eval "$1"`, Deno.execPath(), code],
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test({
  name: "a server says at once that its process may not have a descriptor for each client",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const need =
      "expected at least 432 file descriptors for 400 clients, got 256; raise the limit of the process (ulimit -n 432)";
    assertEquals(await linesOf(program(400, 400), 256), [`Cannot begin: ${need}`]);
    const some = await linesOf(program(400, 100), 256);
    assertEquals(some, [`warning: Not all clients can join: ${need}`, "listened"]);
    assertMatch((await linesOf(program(100, 100), 256)).join(), /^listened$/);
  },
});
