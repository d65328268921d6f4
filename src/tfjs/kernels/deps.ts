/** tfjs's core, the same instance that the room beside this one uses; without a backend, which its user loads. */
export * as tf from "npm:@tensorflow/tfjs@4.22.0";
