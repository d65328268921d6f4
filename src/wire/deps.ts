/** CBOR module, by full specifier, so that an import by URL needs no import map. */
export { Decoder, Encoder } from "npm:cbor-x@1.6.8/index-no-eval";
