/** CBOR module, by full specifiers, so that an import by URL needs no import map. */
export { Decoder } from "npm:cbor-x@1.6.8/decode";
export { Encoder } from "npm:cbor-x@1.6.8/encode";
