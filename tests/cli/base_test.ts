import { assertEquals, assertStringIncludes } from "@std/assert";
import { sha256Hex } from "../../src/base/hash.ts";
import { textEncoder } from "../../src/train/models/encoder/text_encoder.ts";
import { inFolder, runCommand } from "../helpers/command.ts";
import { smallTokenizer } from "../helpers/encoder/small_tokenizer.ts";
import { SMALL, smallFile } from "../helpers/encoder/small_encoder.ts";

Deno.test("simulate trains a head on the base that --base names, and refuses another one", async () => {
  await inFolder(async (folder) => {
    const base = smallFile(),
      model = textEncoder({
        base: { sha256: await sha256Hex(base), bytes: base.length, format: "safetensors" },
        ...{ encoder: SMALL, numClasses: 2, maxTokens: 4 },
      });
    await Deno.writeFile(`${folder}/base.safetensors`, base);
    await Deno.writeFile(`${folder}/other.safetensors`, smallFile(2));
    await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(model));
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${3 + i % 2},${5 + i % 7},${i % 3},0,${i % 2 ? "yes" : "no"}`,
    );
    await Deno.writeTextFile(`${folder}/texts.csv`, ["a,b,c,d,label", ...rows].join("\n"));
    const args = (file: string, out: string) => [
      ...["--data", "texts.csv", "--label-column", "label"],
      ...["--test-share", "0.2", "--model", "model.json", "--clients", "2"],
      ...["--fraction", "1", "--rounds", "2", "--lr", "0.5", "--out", `runs/${out}`],
      ...["--base", file],
    ];
    const { code, stdout, stderr } = await runCommand(
      "simulate",
      args("base.safetensors", "run"),
      folder,
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "model digest");
    const refused = await runCommand("simulate", args("other.safetensors", "none"), folder);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "expected the SHA-256");
    const idle = await runCommand("simulate", [
      ...["--data", "texts.csv", "--test-share", "0.2", "--model", "lr"],
      ...["--clients", "2", "--base", "base.safetensors"],
    ], folder);
    assertEquals(idle.code, 2);
    assertStringIncludes(idle.stderr, "expected no --base with the model lr");
  });
});

Deno.test("predict and evaluate read texts on the base and by the tokenizer of the run", async () => {
  await inFolder(async (folder) => {
    const base = smallFile(), tokenizer = smallTokenizer();
    const model = textEncoder({
      base: { sha256: await sha256Hex(base), bytes: base.length, format: "safetensors" },
      ...{ encoder: SMALL, tokenizer: await sha256Hex(tokenizer), numClasses: 2, maxTokens: 6 },
    });
    await Deno.writeFile(`${folder}/base.safetensors`, base);
    await Deno.writeFile(`${folder}/tokenizer.json`, tokenizer);
    await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(model));
    const rows = Array.from({ length: 20 }, (_, i) => `q${i},${i % 2 ? "my card,a" : "lost,b"}`);
    await Deno.writeTextFile(`${folder}/texts.csv`, ["n,say,intent", ...rows].join("\n"));
    const files = ["--base", "base.safetensors", "--tokenizer", "tokenizer.json"];
    const data = ["--data", "texts.csv", "--text-column", "say", ...files];
    const trained = await runCommand("simulate", [
      ...[...data, "--label-column", "intent", "--id-column", "n", "--test-share", "0.2"],
      ...["--model", "model.json", "--max-tokens", "6", "--clients", "2", "--fraction", "1"],
      ...["--rounds", "3", "--lr", "1", "--workers", "1", "--out", "run"],
    ], folder);
    assertEquals(trained.code, 0, trained.stderr);
    const evaluated = await runCommand(
      "evaluate",
      ["--run", "run", ...data, "--json", "-"],
      folder,
    );
    assertEquals(evaluated.code, 0, evaluated.stderr);
    assertEquals(JSON.parse(evaluated.stdout).accuracy, 1);
    const predicted = await runCommand(
      "predict",
      ["--run", "run", ...data, "--id-column", "n", "--out", "-"],
      folder,
    );
    assertEquals(predicted.code, 0, predicted.stderr);
    const [head, first, second] = predicted.stdout.split("\n");
    assertEquals(head, "n,prediction,probability_a,probability_b");
    assertEquals([first?.slice(0, 5), second?.slice(0, 5)], ["q0,b,", "q1,a,"]);
    const none = await runCommand(
      "predict",
      ["--run", "run", "--data", "texts.csv", "--text-column", "say", "--out", "-"],
      folder,
    );
    assertEquals([none.code, none.stdout], [1, ""]);
    assertStringIncludes(none.stderr, "(option base, --base)");
  });
});
