import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@1.0.19";
import { SUMS, writeChecksums } from "../../release/checksums.ts";
import { compileCommand, TARGETS, WORKERS } from "../../release/command.ts";
import { ROOT, run } from "../../release/deno_command.ts";
import { sbomOf } from "../../release/sbom.ts";
import { inFolder } from "../helpers/command.ts";

Deno.test("writeChecksums() writes what sha256sum reads, and finds a file that has changed", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/b.txt`, "b");
    await Deno.writeTextFile(`${folder}/a.txt`, "abc");
    await writeChecksums(folder);
    const text = await Deno.readTextFile(`${folder}/${SUMS}`);
    // The digest of "abc" is the example of FIPS 180-2.
    const [first = ""] = text.split("\n");
    assertEquals(
      first,
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.txt",
    );
    if (Deno.build.os !== "linux") return;
    assertEquals(await run("sha256sum", ["--check", SUMS], folder), "a.txt: OK\nb.txt: OK\n");
    await writeChecksums(folder);
    assertEquals(await Deno.readTextFile(`${folder}/${SUMS}`), text);
  });
});

Deno.test("sbomOf() lists the packages that src imports, with their hashes, and no other", async () => {
  const { components, dependencies, metadata } = await sbomOf();
  const names = components.map(({ group, name }) =>
    group === undefined ? name : `${group}/${name}`
  );
  for (
    const name of [
      "valibot",
      "commander",
      "cbor-x",
      "@tensorflow/tfjs",
      "d3-array",
      "@std/log",
      "preact",
    ]
  ) {
    assert(names.includes(name), name);
  }
  // They are for tests and builds alone.
  for (const name of ["puppeteer-core", "esbuild", "axe-core", "typescript", "marked"]) {
    assert(!names.includes(name), name);
  }
  for (const { hashes = [], version, purl } of components) {
    if (purl === undefined) continue;
    assertEquals(hashes.map(({ content }) => content.length), [128], purl);
    assertStringIncludes(purl, `@${version}`);
  }
  const refs = new Set([metadata.component, ...components].map((one) => one["bom-ref"]));
  assertEquals(refs.size, components.length + 1);
  assertEquals(dependencies.length, components.length + 1);
  assert(
    dependencies.every(({ ref, dependsOn }) => [ref, ...dependsOn].every((one) => refs.has(one))),
  );
});

Deno.test("compileCommand() tells in a line why it cannot compile, and knows the workers", async () => {
  await inFolder(async (folder) => {
    const reason = await compileCommand("x86_64-unknown-nowhere", `${folder}/fedlab`);
    assert(reason !== undefined && !reason.includes("\n"), reason);
  });
  assertEquals(new Set(TARGETS).size, 5);
  for (const module of WORKERS) assert((await Deno.stat(`${ROOT}${module}`)).isFile);
});
