import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { load, YAML11_SCHEMA } from "npm:js-yaml@5.5.0";
import config from "../../deno.json" with { type: "json" };
import { type CommandName, flagOf } from "../../src/cli/options/option.ts";
import { optionsOf } from "../../src/cli/options/table.ts";
import { WORKERS } from "../../release/command.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL("examples/docker/", ROOT);

async function textOf(name: string): Promise<string> {
  return (await Deno.readTextFile(new URL(name, FOLDER))).replaceAll(/\\\n\s*/g, " ");
}

/** Service of a Compose file, as far as it is read. */
interface Service {
  readonly command: readonly string[];
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
}

Deno.test("the image copies what is there, ends as a user without rights, and has the permissions of the server", async () => {
  const lines = (await textOf("Dockerfile")).split("\n");
  const wanted = new Set((await textOf("Dockerfile.dockerignore")).match(/(?<=^!).+$/gm));
  for (const line of lines) {
    const [, paths = ""] = /^COPY (?!--)(.+) \S+$/.exec(line) ?? [];
    for (const path of paths.split(" ").filter(Boolean)) {
      await Deno.stat(new URL(path, ROOT));
      assert(wanted.delete(path), path);
    }
  }
  assertEquals([...wanted], []);
  for (const member of config.workspace) {
    assertStringIncludes(lines.join("\n"), `COPY ${member.slice(2)}/deno.json`);
  }
  for (const module of WORKERS) assertStringIncludes(lines.join("\n"), module);
  assertEquals(lines.findLast((line) => line.startsWith("USER")), "USER 65532:65532");
  const entry = lines.find((line) => line.startsWith("ENTRYPOINT")) ?? "";
  const names = (text: string) => /--allow-env=([\w,]+)/.exec(text)?.[1];
  assertEquals(names(entry), names(config.tasks.server.command));
});

Deno.test("the services of the Compose file have options of their commands, and may write nowhere else", async () => {
  const { services } = load(await textOf("compose.yaml"), { schema: YAML11_SCHEMA }) as {
    services: Readonly<Record<string, Service>>;
  };
  assertEquals(Object.keys(services), ["server", "client-1", "client-2"]);
  for (const { command: [name = "", ...args], read_only, cap_drop } of Object.values(services)) {
    assertEquals([read_only, cap_drop], [true, ["ALL"]]);
    const flags = optionsOf(name as CommandName).flatMap(({ name, alsoCalled }) => [
      flagOf(name),
      ...(alsoCalled ? [alsoCalled] : []),
    ]);
    for (const arg of args) assert(flags.includes(arg.split("=", 1)[0] ?? ""), arg);
  }
});
