import type { Files } from "../../base/runtime/runtime.ts";
import type { Random } from "../../base/random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { VirtualProcess } from "../virtual_process.ts";
export class VirtualDisk {
  constructor(
    _: { name: string; scheduler: Scheduler; random: Random; onEvent: (t: string) => void },
  ) {}
  filesOf(_: VirtualProcess): Files {
    return {} as Files;
  }
  crash() {}
}
