import { isStandIn } from "./define_buffer.ts";

if (isStandIn) Reflect.deleteProperty(globalThis, "Buffer");
