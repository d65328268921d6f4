/** Schema module, by full specifier, so that an import by URL needs no import map. */
export * as v from "npm:valibot@1.5.0";
