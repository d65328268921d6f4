import type { Config } from "./config.ts";
import type { Shape } from "./graph.ts";
import {
  activation,
  BIAS,
  KERNEL,
  lastOf,
  type LayerPlan,
  onlyInput,
  weight,
} from "./layer_plan.ts";
import { readWindow } from "./shapes.ts";

/** Plans Conv2D and DepthwiseConv2D. */
export function convolution(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs, 3), channels = lastOf(config, shape);
  const size = config.pair("kernelSize"), strides = config.pair("strides", [1, 1]);
  const dilation = config.pair("dilationRate", [1, 1]);
  const useBias = config.boolean("useBias", true);
  config.only("groups", 1);
  if (Math.max(...strides) > 1 && Math.max(...dilation) > 1) {
    throw config.unsupported("strides and dilation do not go together");
  }
  const window = readWindow(config, shape, { size, strides, dilation });
  const bias = (units: number) => useBias ? [weight(config, "bias", [units], BIAS)] : [];
  if (config.className === "Conv2D") {
    const filters = config.count("filters");
    return {
      operations: [{ type: "conv2d", filters, window, useBias }, ...activation(config)],
      shape: [...window.output, filters],
      weights: [
        weight(config, "kernel", [...size, channels, filters], KERNEL),
        ...bias(filters),
      ],
    };
  }
  // tfjs accepts the rate and then ignores it.
  if (Math.max(...dilation) > 1) throw config.unsupported("dilation has no kernel");
  const depthMultiplier = config.count("depthMultiplier", 1);
  return {
    operations: [
      { type: "depthwiseConv2d", depthMultiplier, window, useBias },
      ...activation(config),
    ],
    shape: [...window.output, channels * depthMultiplier],
    weights: [
      weight(config, "kernel", [...size, channels, depthMultiplier], {
        ...KERNEL,
        name: "depthwise_kernel",
        option: "depthwiseInitializer",
      }),
      ...bias(channels * depthMultiplier),
    ],
  };
}

/**
 * Plans Conv1D over sequences `[steps, channels]`: a convolution of images of one column. Padding
 * "causal" lies before the first step alone.
 */
export function convolution1d(config: Config, inputs: readonly Shape[]): LayerPlan {
  const [steps = 0, channels = 0] = onlyInput(config, inputs, 2);
  const filters = config.count("filters"), useBias = config.boolean("useBias", true);
  const [size, stride, dilation] = [
    single(config, "kernelSize"),
    single(config, "strides", 1),
    single(config, "dilationRate", 1),
  ];
  config.only("groups", 1);
  config.only("padding", "valid", "same", "causal");
  if (stride > 1 && dilation > 1) {
    throw config.unsupported("strides and dilation do not go together");
  }
  const isCausal = config.word("padding", "valid") === "causal";
  const before = isCausal ? (size - 1) * dilation : 0;
  const place = readWindow(
    isCausal ? config.with("padding", "valid") : config,
    [steps + before, 1, channels],
    { size: [size, 1], strides: [stride, 1], dilation: [dilation, 1] },
  );
  const window = isCausal ? { ...place, padTop: before } : place;
  return {
    operations: [{ type: "conv2d", filters, window, useBias }, ...activation(config)],
    shape: [window.output[0], filters],
    weights: [
      weight(config, "kernel", [size, channels, filters], KERNEL),
      ...useBias ? [weight(config, "bias", [filters], BIAS)] : [],
    ],
  };
}

/** Returns a number that is given alone or as a list of one. */
function single(config: Config, key: string, fallback?: number): number {
  const value = config.get(key);
  return Array.isArray(value) && value.length === 1
    ? config.with(key, value[0]).count(key)
    : config.count(key, fallback);
}

/** Plans MaxPooling2D and AveragePooling2D. */
export function pooling(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs, 3);
  const size = config.pair("poolSize", [2, 2]), strides = config.pair("strides", size);
  const window = readWindow(config, shape, { size, strides, dilation: [1, 1] });
  const type = config.className === "MaxPooling2D" ? "maxPool2d" : "averagePool2d";
  return {
    operations: [{ type, window }],
    shape: [...window.output, lastOf(config, shape)],
    weights: [],
  };
}

/** Plans GlobalAveragePooling1D and GlobalAveragePooling2D. */
export function globalPooling(config: Config, inputs: readonly Shape[]): LayerPlan {
  const shape = onlyInput(config, inputs, config.className.endsWith("2D") ? 3 : 2);
  config.only("dataFormat", "channelsLast");
  config.only("keepdims", false);
  return {
    operations: [{ type: "globalAveragePool" }],
    shape: [lastOf(config, shape)],
    weights: [],
  };
}
