import { assertEquals } from "jsr:@std/assert@1.0.19";
import config from "../../deno.json" with { type: "json" };
import { VERSION } from "../../src/base/version.ts";
import { inFolder } from "../helpers/command.ts";
import { runDeno, writeConsumerConfig } from "../helpers/package.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = await Deno.realPath(`${import.meta.dirname}/../..`);

for (const lib of [undefined, ["deno.window", "dom"]]) {
  const types = lib === undefined ? "Deno's default types" : `the types ${lib.join(", ")}`;
  Deno.test(`a project that links the package checks and tests with ${types}`, () =>
    inFolder(async (folder) => {
      await writeConsumerConfig(folder, {
        links: [ROOT, `${ROOT}/links/log`, `${ROOT}/links/assert`],
        imports: { "@fedlab/core": `jsr:${config.name}@${VERSION}` },
        minimumDependencyAge: config.minimumDependencyAge,
        ...(lib && { compilerOptions: { lib } }),
      });
      const entries = Object.keys(config.exports);
      const imports = entries.map((entry, i) =>
        `import * as entry${i} from "@fedlab/core${entry.slice(1)}";`
      );
      const names = entries.map((_, i) => `entry${i}`).join(", ");
      await Deno.writeTextFile(
        `${folder}/main.ts`,
        `${imports.join("\n")}\nexport const entries = [${names}];\n`,
      );
      await Deno.writeTextFile(
        `${folder}/main_test.ts`,
        `import { Manifest } from "@fedlab/core";
Deno.test("manifest", () => void Manifest.of([{ name: "w", shape: [1] }]));\n`,
      );
      for (const args of [["check", "main.ts"], ["test", "main_test.ts"]]) {
        const { code, stderr } = await runDeno(args, folder);
        assertEquals(code, 0, stderr);
      }
    }));
}
