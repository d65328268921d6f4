import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { EncoderBase } from "../../../src/encoder/encoder_base.ts";
import { createInference } from "../../../src/engine/inference.ts";
import { FrozenBase } from "../../../src/encoder/base/frozen_base.ts";
import { decodePeft, readPeft } from "../../../src/encoder/peft/read_peft.ts";
import { writeMerged } from "../../../src/encoder/peft/write_merged.ts";
import { encodePeft, writePeft } from "../../../src/encoder/peft/write_peft.ts";
import type { ParameterVector } from "../../../src/params/manifest.ts";
import type { ModelDescription } from "../../../src/train/handler.ts";
import type { EncoderModel } from "../../../src/train/models/encoder/encoder_model.ts";
import { encoderManifest } from "../../../src/train/models/encoder/initial.ts";
import { hasMinilm, MINILM, MINILM_SHA256 } from "../../helpers/minilm.ts";
import { findPython, runPython } from "../../helpers/python.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SMALL: EncoderModel = {
  base: { sha256: "a".repeat(64), bytes: 100, format: "safetensors" },
  encoder: {
    ...{ architecture: "bert", vocabulary: 20, positions: 16, width: 8, layers: 3, heads: 2 },
    ...{ inner: 12, epsilon: 1e-12, activation: "gelu" },
  },
  maxTokens: 16,
  pooling: "mean",
  units: 3,
  adapters: {
    rank: 2,
    alpha: 3,
    targets: ["query", "output", "ffn_in", "ffn_out"],
    layers: [0, 2],
    train: "AB",
  },
};

function describe(model: EncoderModel): ModelDescription {
  return { format: "text-encoder", topology: { ...model }, loss: "softmaxCrossEntropy" };
}

/** Parameters without order, adapters and head alike. */
function someParameters(model: EncoderModel, size = 1): ParameterVector {
  const { length } = encoderManifest(model);
  return Float32Array.from({ length }, (_, i) => size * Math.sin(i * i + 1));
}

Deno.test("encodePeft() and decodePeft() keep the bits of adapters and head", async () => {
  const parameters = someParameters(SMALL);
  parameters[0] = -0;
  const files = encodePeft(describe(SMALL), parameters, {
    baseName: "some/base",
    classes: ["a", "b", "c"],
  });
  assertEquals([...files.keys()], [
    "adapter_config.json",
    "adapter_model.safetensors",
    "head.safetensors",
  ]);
  const read = await decodePeft(files);
  assertEquals([read.adapters, read.units], [SMALL.adapters, 3]);
  assertEquals(read.classes, ["a", "b", "c"]);
  const back = read.parametersOf(describe(SMALL));
  assertEquals(new Uint32Array(back.buffer), new Uint32Array(parameters.buffer));
  const config = JSON.parse(new TextDecoder().decode(files.get("adapter_config.json")));
  assertEquals([config.r, config.lora_alpha, config.base_model_name_or_path], [2, 3, "some/base"]);
  const pattern = new RegExp(`^(?:${config.target_modules})$`);
  const names = ["bert.encoder.layer.2.output.dense", "encoder.layer.0.attention.output.dense"];
  for (const name of names) assert(pattern.test(name), name);
  const others = ["encoder.layer.1.output.dense", "encoder.layer.2.attention.self.value"];
  for (const name of others) assert(!pattern.test(name), name);
});

Deno.test("encodePeft() of a head alone has a single file", async () => {
  const { adapters: _, ...head } = SMALL;
  const parameters = someParameters(head);
  const files = encodePeft(describe(head), parameters);
  assertEquals([...files.keys()], ["head.safetensors"]);
  const read = await decodePeft(files);
  assertEquals([read.adapters, read.parametersOf(describe(head))], [undefined, parameters]);
});

Deno.test("decodePeft() names what differs from the model, and adapters of other kinds", async () => {
  const files = encodePeft(describe(SMALL), someParameters(SMALL));
  const read = await decodePeft(files);
  const { adapters } = SMALL;
  assert(adapters);
  for (
    const [model, message] of [
      [{ adapters: { ...adapters, rank: 4 } }, "expected the rank 4 and alpha 3, got 2 and 3"],
      [{ adapters: { ...adapters, alpha: 4 } }, "expected the rank 2 and alpha 4, got 2 and 3"],
      [{ adapters: { ...adapters, layers: [1, 2] } }, "expected l1/query/lora_A of shape [2, 8]"],
      [{ adapters: { ...adapters, layers: [0] } }, "the model has no l2/query/lora_A"],
      [{ units: 4 }, "expected head/kernel of shape [8, 4], got [8, 3]"],
    ] as const
  ) assertThrows(() => read.parametersOf(describe({ ...SMALL, ...model })), RangeError, message);

  const config = JSON.parse(new TextDecoder().decode(files.get("adapter_config.json")));
  for (
    const [change, message] of [
      [{ peft_type: "IA3" }, 'expected peft_type to be "LORA", got "IA3"'],
      [{ use_dora: true }, "expected use_dora to be false, got true"],
      [{ bias: "all" }, 'expected bias to be "none", got "all"'],
      [{ rank_pattern: { query: 4 } }, 'expected rank_pattern to be {}, got {"query":4}'],
      [{ r: 0 }, "expected r to be a whole number from 1, got 0"],
      [{ r: 4 }, "of rank 4, got the shape [2, 8]"],
    ] as const
  ) {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...config, ...change }));
    const changed = new Map(files).set("adapter_config.json", bytes);
    await assertRejects(() => decodePeft(changed), RangeError, message);
  }
  const root = new TextEncoder().encode(JSON.stringify({ ...config, use_rslora: true }));
  const stable = await decodePeft(new Map(files).set("adapter_config.json", root));
  assertEquals(stable.adapters?.alpha, 3 * Math.SQRT2);
  const alone = new Map(files);
  alone.delete("adapter_config.json");
  await assertRejects(() => decodePeft(alone), SyntaxError, "expected adapter_config.json and");
  await assertRejects(() => readPeft("no/such/folder"), Deno.errors.NotFound, "adapter_config");
});

/** Adapters of MiniLM, which change its logits by more than rounding does. */
const MODEL: EncoderModel = {
  base: { sha256: MINILM_SHA256.model, bytes: 90_868_376, format: "safetensors" },
  encoder: {
    ...{ architecture: "bert", vocabulary: 30_522, positions: 512, width: 384, layers: 6 },
    ...{ heads: 12, inner: 1536, epsilon: 1e-12, activation: "gelu" },
  },
  maxTokens: 32,
  pooling: "mean",
  units: 5,
  adapters: {
    rank: 4,
    alpha: 8,
    targets: ["query", "value", "output", "ffn_in", "ffn_out"],
    layers: [0, 4, 5],
    train: "AB",
  },
};

/** Logits by PEFT, by transformers of the merged file, and of the base, and what PEFT writes. */
const PROGRAM = `
import json, shutil, sys, torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModel
minilm, folder = sys.argv[1], sys.argv[2]
ids = torch.tensor([[101, 2026, 4003, 2003, 2439, 102], [101, 2054, 1029, 102, 0, 0]])
mask = (ids != 0).long()
head = load_file(folder + "/head.safetensors")
def logits(model):
    with torch.no_grad():
        hidden = model.eval()(input_ids=ids, attention_mask=mask).last_hidden_state
        real = mask.unsqueeze(-1).float()
        pooled = (hidden * real).sum(1) / real.sum(1)
        return (pooled @ head["weight"].T + head["bias"]).flatten().tolist()
base = logits(AutoModel.from_pretrained(minilm))
peft = PeftModel.from_pretrained(AutoModel.from_pretrained(minilm), folder)
adapted = logits(peft)
peft.save_pretrained(folder + "/again")
shutil.copytree(minilm, folder + "/merged", ignore=lambda _, names: ["model.safetensors"])
shutil.copy(folder + "/merged.safetensors", folder + "/merged/model.safetensors")
merged = logits(AutoModel.from_pretrained(folder + "/merged"))
print(json.dumps({"base": base, "adapted": adapted, "merged": merged}))
`;

const python = await findPython("FEDLAB_PEFT_PYTHON", ["peft", "transformers", "torch"]);
if (python === undefined) {
  console.warn("skipped: adapters in Python: no peft, transformers, torch (FEDLAB_PEFT_PYTHON)");
}

Deno.test({
  name: "PEFT loads adapters and gives the logits of this engine and of the merged base",
  ignore: !await hasMinilm("adapters in PEFT") || python === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      using base = await FrozenBase.open({
        path: `${MINILM}/model.safetensors`,
        sha256: MINILM_SHA256.model,
      });
      const parameters = someParameters(MODEL, 0.05);
      await writePeft(folder, describe(MODEL), parameters);
      const facts = await writeMerged(
        `${folder}/merged.safetensors`,
        base,
        describe(MODEL),
        parameters,
      );
      assertEquals(facts.bytes, (await Deno.stat(`${folder}/merged.safetensors`)).size);
      const logits = await runPython(python ?? "", PROGRAM, [MINILM, folder]);
      const { base: plain, adapted, merged } = logits as Record<string, number[]>;
      assert(plain && adapted && merged);
      assert(apart(adapted, plain) > 0.01, "the adapters change nothing");
      assert(apart(adapted, merged) < 1e-4, `${apart(adapted, merged)}`);
      const own = await logitsHere(parameters);
      assert(apart(adapted, own) < 1e-4, `${apart(adapted, own)}`);
      // What PEFT writes again has the same bits.
      const again = await readPeft(`${folder}/again`);
      const head = encoderManifest(MODEL).tensors.find(({ name }) => name === "head/kernel");
      assertEquals(again.adapters, MODEL.adapters);
      assertEquals(
        again.parametersOf(describe(MODEL)).subarray(0, head?.offset),
        parameters.subarray(0, head?.offset),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Logits of the texts in the program, by this engine. */
async function logitsHere(parameters: ParameterVector): Promise<number[]> {
  const { sha256 } = MODEL.base;
  using base = await EncoderBase.open({ path: `${MINILM}/model.safetensors`, sha256 });
  const stored = { manifest: encoderManifest(MODEL), parameters };
  using inference = await createInference(describe(MODEL), stored, { base });
  const features = new Float32Array(2 * MODEL.maxTokens);
  features.set([101, 2026, 4003, 2003, 2439, 102]);
  features.set([101, 2054, 1029, 102], MODEL.maxTokens);
  return [...inference.run(features, [MODEL.maxTokens])];
}

function apart(a: readonly number[], b: readonly number[]): number {
  assertEquals(a.length, b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
}
