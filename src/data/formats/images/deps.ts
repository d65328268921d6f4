/** Decoders of images, by full specifier. */
export * as png from "npm:fast-png@8.0.0";
export * as jpeg from "npm:jpeg-js@0.4.4";
