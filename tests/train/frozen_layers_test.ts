import { Manifest } from "../../src/params/mod.ts";
import { frozenSpans } from "../../src/train/models/frozen_layers.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { assertEquals } from "@std/assert";

Deno.test("frozenSpans() finds frozen layers, and all layers inside of a frozen model", () => {
  const dense = (name: string, more = {}) => ({ class_name: "Dense", config: { name, ...more } });
  const model: ModelDescription = {
    format: "tfjs-layers",
    loss: "softmaxCrossEntropy",
    topology: {
      class_name: "Sequential",
      config: {
        name: "outer",
        layers: [
          dense("first", { trainable: false }),
          {
            class_name: "Sequential",
            config: { name: "base", trainable: false, layers: [dense("inside")] },
          },
          { class_name: "BatchNormalization", config: { name: "norm" } },
          dense("head", { trainable: true }),
        ],
      },
    },
  };
  const manifest = Manifest.of([
    { name: "norm/gamma", shape: [2] },
    { name: "head/kernel", shape: [3] },
    { name: "first/kernel", shape: [4], trainable: false },
    { name: "inside/kernel", shape: [5], trainable: false },
    { name: "norm/moving_mean", shape: [2], trainable: false },
  ]);
  assertEquals(frozenSpans(manifest, model), [[5, 9], [9, 14]]);
  assertEquals(frozenSpans(manifest, undefined), []);
});
