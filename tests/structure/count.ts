/**
 * Numbers of test files and of tests, by folder.
 *
 *     deno run --allow-read tests/structure/count.ts
 */
import { filesOf, read } from "./modules.ts";

const counts = new Map<string, { files: number; tests: number }>();
for (const path of await filesOf("tests/", ["_test.ts"])) {
  const folder = path.split("/")[1] ?? "";
  const { files, tests } = counts.get(folder) ?? { files: 0, tests: 0 };
  // Tests that are registered in a loop count once.
  const here = (await read(path)).match(/\bDeno\.test\(/g)?.length ?? 0;
  counts.set(folder, { files: files + 1, tests: tests + here });
}
for (const [folder, { files, tests }] of [...counts].sort()) {
  console.log(
    `${folder.padEnd(12)} ${String(files).padStart(4)} files ${String(tests).padStart(5)} tests`,
  );
}
