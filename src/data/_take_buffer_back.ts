import { isLent } from "./_lend_buffer.ts";

if (isLent) Reflect.deleteProperty(globalThis, "Buffer");
