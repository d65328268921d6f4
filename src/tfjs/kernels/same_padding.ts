import { inputOf, type Kernel, type KernelCall, kernelOf } from "./kernel_calls.ts";
import { tf } from "./deps.ts";

type Shape4D = [number, number, number, number];

/**
 * Wraps a convolution of the backend so that it is correct with padding "same" where a stride is
 * longer than the filter: the backend then gets explicit pads. Other calls are passed on unchanged.
 */
export function withPads(name: string, { depthwise = false } = {}): Kernel {
  const stock = kernelOf(name);
  return (call) => stock({ ...call, attrs: paddedAttrs(call, depthwise) });
}

function paddedAttrs(call: KernelCall, depthwise: boolean): KernelCall["attrs"] {
  const { attrs } = call;
  if (attrs.pad !== "same" || attrs.dataFormat === "NCHW") return attrs;
  const info = tf.backend_util.computeConv2DInfo(
    inputOf(call, "x").shape as Shape4D,
    inputOf(call, "filter").shape as Shape4D,
    attrs.strides as number | [number, number],
    (attrs.dilations ?? 1) as number | [number, number],
    "same",
    undefined,
    depthwise,
  );
  const isSkipping = info.strideHeight > info.effectiveFilterHeight ||
    info.strideWidth > info.effectiveFilterWidth;
  if (!isSkipping) return attrs;
  const { top, bottom, left, right } = info.padInfo;
  return { ...attrs, pad: [[0, 0], [top, bottom], [left, right], [0, 0]] };
}
