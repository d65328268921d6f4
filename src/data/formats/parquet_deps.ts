/** Reader of Parquet and its decompressors, by full specifier. */
export * as parquet from "npm:hyparquet@1.31.5";
export { compressors } from "npm:hyparquet-compressors@1.1.2";
