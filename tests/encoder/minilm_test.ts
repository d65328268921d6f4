import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Dataset } from "../../src/data/dataset.ts";
import { loadBase } from "../../src/encoder/base_memory.ts";
import { EncoderProgram } from "../../src/encoder/encoder_program.ts";
import { EncoderTrainer } from "../../src/encoder/encoder_trainer.ts";
import type { EncoderModel } from "../../src/train/models/encoder/encoder_model.ts";
import { ALL_MINILM_L6_V2 } from "../../src/train/models/encoder/text_encoder.ts";
import { hasMinilm, MINILM, MINILM_SHA256 } from "../helpers/minilm.ts";
import { weightsOf } from "../helpers/encoder/weights_file.ts";
import reference from "../fixtures/sequences/minilm.json" with { type: "json" };

const SHAPE = ALL_MINILM_L6_V2.encoder;
const MOST_TOKENS = 64, UNITS = 77;

function modelOf(bytes: number, more: Partial<EncoderModel>): EncoderModel {
  return {
    base: { sha256: MINILM_SHA256.model, bytes, format: "safetensors" },
    encoder: SHAPE,
    maxTokens: MOST_TOKENS,
    pooling: "mean",
    units: UNITS,
    ...more,
  };
}

/** The largest distance of values to those expected. */
function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  assertEquals(got.length, want.length);
  let most = 0;
  for (let i = 0; i < want.length; i++) {
    most = Math.max(most, Math.abs((got[i] ?? NaN) - (want[i] ?? NaN)));
  }
  return most;
}

Deno.test({
  name: "an encoder gives the hidden states, vectors and gradients of all-MiniLM-L6-v2 in PyTorch",
  ignore: !await hasMinilm("hidden states of MiniLM"),
  async fn(t) {
    const file = await Deno.readFile(`${MINILM}/model.safetensors`);
    const base = await loadBase(await weightsOf(file), SHAPE), { width } = SHAPE;

    await t.step("hidden states of packed texts", () => {
      const program = new EncoderProgram(base, modelOf(file.length, {}), []);
      const { cls, sep } = reference.hidden_of_text_0, length = reference.ids[0]?.length ?? 0;
      for (const [layer, want] of cls.entries()) {
        const at = program.embed(reference.ids, layer);
        const values = base.floats(at, length * width);
        assert(distance(values.subarray(0, width), want) < 2e-5);
        assert(distance(values.subarray(-width), sep[layer] ?? []) < 2e-5);
      }
      program.pool(program.embed(reference.ids));
      const vectors = base.floats(program.pooled, reference.ids.length * width);
      assert(distance(vectors, reference.mean_vectors.flat()) < 2e-5);
    });

    await t.step("gradients of adapters of all layers and of the head", () => {
      const adapters = {
        rank: 8,
        alpha: 16,
        targets: ["query", "value"],
        layers: [0, 1, 2, 3, 4, 5],
        train: "AB",
      } as const;
      using trainer = new EncoderTrainer(
        base,
        modelOf(file.length, { adapters }),
        "softmaxCrossEntropy",
      );
      const { manifest } = trainer, vector = new Float32Array(manifest.length);
      for (const { name, offset, length } of manifest.tensors) {
        for (let i = 0; i < length; i++) vector[offset + i] = valueOf(name, i);
      }
      trainer.parameters = vector;
      const rows = reference.ids.map((
        ids,
      ) => [...ids, ...new Array<number>(MOST_TOKENS - ids.length).fill(0)]);
      const data = new Dataset(
        Float32Array.from(rows.flat()),
        Int32Array.from(reference.labels),
        [MOST_TOKENS],
        UNITS,
      );
      trainer.use(data);
      trainer.shuffle(Uint32Array.from(rows, (_, i) => i));
      const { loss } = trainer.differentiate(0, rows.length);
      assertAlmostEquals(loss / rows.length, reference.lora.loss, 1e-4);
      const views = manifest.views(trainer.gradient);
      for (const [name, want] of Object.entries(reference.lora.gradients)) {
        const place = manifest.tensors.findIndex((tensor) =>
          tensor.name === name.replaceAll(".", "/")
        );
        const got = views[place] ?? new Float32Array();
        assertAlmostEquals(Math.hypot(...got), want.norm, 1e-3 * want.norm, name);
        assert(distance(got.subarray(0, 6), want.first) < 1e-3 * want.norm, name);
      }
      trainer.judge(data, 0, 1, {
        observe: (output) => assert(distance(output, reference.lora.logits_text_0) < 1e-4),
      });
    });
  },
});

/** Values of the reference's parameters. */
function valueOf(name: string, i: number): number {
  if (name.endsWith("lora_A")) return 0.02 * Math.sin(i + 1);
  if (name.endsWith("lora_B")) return 0.01 * Math.cos(i);
  return name === "head/kernel" ? 0.05 * Math.sin(0.7 * i) : 0;
}
