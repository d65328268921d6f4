import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyncParameterServerHandler } from "../../../mod.ts";
import { parseCodec } from "../../../src/codec/mod.ts";
import { vectorManifest } from "../../helpers/fake_handler.ts";

function handlerWith(downlink: string): SyncParameterServerHandler {
  const manifest = vectorManifest(3), parameters = new Float32Array(3);
  return new SyncParameterServerHandler({ manifest, parameters, downlink: parseCodec(downlink) });
}

for (const name of ["topk:share=0.1", "topk:share=1", "eden:bits=1,share=0.1"]) {
  Deno.test(`a handler refuses ${name} as codec of the parameters, which leaves values out`, () => {
    const error = assertThrows(() => handlerWith(name), RangeError);
    assert(error.message.includes(`got ${parseCodec(name).name}`), error.message);
  });
}

for (const name of ["f16", "int4", "eden:bits=1", "eden:bits=1,share=1"]) {
  Deno.test(`a handler takes ${name} as codec of the parameters`, () => {
    assertEquals(handlerWith(name).codecs?.downlink?.codec.name, parseCodec(name).name);
  });
}
