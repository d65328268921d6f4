/**
 * Choice of the engine and of its backend.
 *
 * @module
 */

/**
 * Engine that computes: `"native"`, this package's own kernels; `"tfjs"`, TensorFlow.js, which
 * knows more layers; or `"auto"`, native where it runs the model and else tfjs.
 */
export type EngineChoice = "auto" | "native" | "tfjs";

/**
 * Backend of tfjs: `"wasm"`; `"cpu"`, plain JavaScript, which is many times slower but has every
 * kernel; or `"auto"`, WASM where it starts and else cpu.
 */
export type BackendChoice = "auto" | "wasm" | "cpu";
