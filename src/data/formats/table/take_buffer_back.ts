import { isLent } from "./lend_buffer.ts";

if (isLent) Reflect.deleteProperty(globalThis, "Buffer");
