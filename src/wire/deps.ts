/** CBOR module, by full specifiers, so that an import by URL needs no import map. */
export { Encoder } from "npm:cbor-x@1.6.8/encode";
