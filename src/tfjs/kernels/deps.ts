/**
 * Core of tfjs, the same instance that the trainer uses, without a backend, which the user loads.
 */
export * as tf from "npm:@tensorflow/tfjs@4.22.0";
