/** Format of {@linkcode exportModel}. */
export type ExportFormat = "tfjs" | "onnx" | "keras";

/** Formats of {@linkcode exportModel}. */
export const EXPORT_FORMATS: readonly ExportFormat[] = ["tfjs", "onnx", "keras"];
