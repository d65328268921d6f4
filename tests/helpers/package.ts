/**
 * The package as its users get it: the files that are published, and programs that use them from
 * elsewhere.
 */
import type { Outcome } from "./command.ts";

const ROOT = `${import.meta.dirname}/../..`;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ts: "application/typescript",
  json: "application/json",
  md: "text/markdown",
};

/** Runs a program in a process of its own that asks for nothing. */
export async function runDeno(
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdin: "null",
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Paths in the checkout of the files that `deno publish` would take. */
export async function publishedFiles(): Promise<string[]> {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const { code, stderr } = await runDeno(args, ROOT);
  if (code !== 0) throw new Error(`Cannot list the published files: ${stderr}`);
  const root = `${new URL("../../", import.meta.url)}`;
  return Array.from(
    stderr.matchAll(/^\s+(file:\S+) \(/gm),
    ([, url = ""]) => decodeURI(url.replace(root, "")),
  );
}

/** Copies the published files into a folder. */
export async function pack(folder: string): Promise<void> {
  for (const file of await publishedFiles()) {
    const path = `${folder}/${file}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(`${ROOT}/${file}`, path);
  }
}

/** A plain file server with the published files, and nothing else but `extra`, modules by name. */
export async function servePackage(
  extra: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { host: string; missed: string[] }> {
  const files = new Set(await publishedFiles());
  const missed: string[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const path = decodeURI(new URL(request.url).pathname).slice(1);
      const text = extra[path] ??
        (files.has(path) ? await Deno.readTextFile(`${ROOT}/${path}`) : undefined);
      if (text === undefined) {
        missed.push(path);
        return new Response("no such file", { status: 404 });
      }
      const type = CONTENT_TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "text/plain";
      return new Response(text, { headers: { "content-type": type } });
    },
  );
  return {
    host: `127.0.0.1:${server.addr.port}`,
    missed,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/**
 * Writes the `deno.json` of someone who cannot reach JSR: the fields that stand in for it are all
 * there is. The checkout's lock
 * file beside it keeps npm's registry out of the test.
 */
export async function writeConsumerConfig(folder: string, fields: object): Promise<void> {
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(fields));
  await Deno.copyFile(`${ROOT}/deno.lock`, `${folder}/deno.lock`);
}

/** Environment with a module cache of its own in the folder that knows the npm packages already. */
export async function freshCache(folder: string): Promise<{ DENO_DIR: string }> {
  const { code, stdout, stderr } = await runDeno(["info", "--json"], folder);
  if (code !== 0) throw new Error(`Cannot find the cache: ${stderr}`);
  const { npmCache } = JSON.parse(stdout) as { npmCache: string };
  const cache = `${folder}/cache`;
  await Deno.mkdir(cache);
  await Deno.symlink(npmCache, `${cache}/npm`, { type: "dir" });
  return { DENO_DIR: cache };
}
