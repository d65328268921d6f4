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
