import { assert, assertEquals } from "jsr:@std/assert@1.0.19";

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly isDynamic?: boolean;
    readonly code?: { readonly specifier?: string };
  }[];
}

/** Returns the specifiers that static imports lead to from a file. */
async function staticImports(path: string): Promise<Set<string>> {
  const root = new URL(path, import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", root],
    cwd: new URL("../..", import.meta.url),
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const found = new Set<string>(), open = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const { isDynamic, code } of byName.get(next)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) open.push(code.specifier);
    }
  }
  return found;
}

for (const path of ["../../src/engine/mod.ts", "../../src/tfjs/mod.ts"]) {
  Deno.test(`no static import of ${path} leads to tensorflow`, async () => {
    const found = await staticImports(path);
    assert([...found].some((specifier) => specifier.endsWith("/engine/client_handler.ts")));
    assertEquals([...found].filter((specifier) => specifier.includes("tensorflow")), []);
  });
}
