/**
 * tfjs and its WASM backend, which registers itself with tfjs when it is loaded and must come
 * second.
 */
export * as tf from "npm:@tensorflow/tfjs@4.22.0";
export { version_wasm as wasmBackendVersion } from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
