import { isCount, isInRange } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";
import type { DiskFault } from "../disk/disk_fault.ts";
import type { LinkState } from "../network/link.ts";
import { type Field, oneOf, optional, readFields } from "../read_fields.ts";
import type { Moment } from "../watch/moment.ts";
import type { FaultKind } from "./fault.ts";
import type { Schedule, TimedFault } from "./schedule.ts";

const TEXT: Field = { expected: "a text", holds: (value) => typeof value === "string" };
const FLAG: Field = { expected: "true or false", holds: (value) => typeof value === "boolean" };
const COUNT: Field = { expected: "a whole number from 0", holds: isCount };
const SECONDS: Field = {
  expected: "seconds from 0",
  holds: (value) => isInRange(value, { least: 0 }),
};
const SHARE: Field = {
  expected: "a share from 0 to 1",
  holds: (value) => isInRange(value, { least: 0, most: 1 }),
};
const MILLIS: Field = {
  expected: "the shortest and the longest time in milliseconds",
  holds: (value) =>
    Array.isArray(value) && value.length === 2 && value.every((x) => isInRange(x, { least: 0 })),
};

const TIMED: Readonly<Record<keyof TimedFault, Field>> = {
  at: SECONDS,
  seconds: optional(SECONDS),
  fault: { expected: "a fault", holds: isRecord },
  when: optional({ expected: "a moment", holds: isRecord }),
};
const MOMENT: Readonly<Record<keyof Moment, Field>> = {
  ...{ machine: TEXT, state: TEXT, within: SECONDS },
  ...{ client: optional(TEXT), skip: optional(COUNT), delay: optional(SECONDS) },
};
const LINK: Readonly<Record<keyof LinkState, Field>> = {
  delayMillis: optional(MILLIS),
  bytesPerSecond: optional({
    expected: "bytes a second above 0",
    holds: (value) => isInRange(value, { above: 0 }),
  }),
  isCut: optional(FLAG),
};
const DISK: Readonly<Record<keyof DiskFault, Field>> = {
  freeBytes: optional(COUNT),
  ...{ readErrors: optional(SHARE), writeErrors: optional(SHARE), syncErrors: optional(SHARE) },
  ...{ liesAboutSync: optional(FLAG), isReadOnly: optional(FLAG) },
  mostOpenFiles: optional(COUNT),
  latencyMillis: optional(MILLIS),
  unreadable: optional({
    expected: "a list of paths",
    holds: (value) => Array.isArray(value) && value.every((path) => typeof path === "string"),
  }),
};

/**
 * Returns faults that were parsed from JSON.
 *
 * @param machines Machines of the run.
 * @throws {TypeError} If a fault has other fields, or one of another kind.
 */
export function readSchedule(list: readonly unknown[], machines: readonly string[]): Schedule {
  const machine = oneOf(machines);
  const change: Field = { expected: "a change", holds: isRecord };
  const fields: { readonly [Kind in FaultKind]: Readonly<Record<string, Field>> } = {
    ...{ kill: { machine }, stop: { machine }, pause: { machine }, power: { machine } },
    reset: { machine },
    link: { from: optional(machine), to: optional(machine), change },
    clock: {
      machine,
      millis: { expected: "milliseconds", holds: (value) => isInRange(value, {}) },
    },
    disk: { machine, fault: change },
  };
  const kind = oneOf(Object.keys(fields));
  return list.map((item, i) => {
    const what = `fault ${i + 1}`, timed = readFields<TimedFault>(what, item, TIMED);
    const { fault, when } = timed;
    const known = Object.hasOwn(fields, fault.kind) ? fields[fault.kind] : {};
    readFields(what, { kind: fault.kind }, { kind });
    readFields(what, fault, { ...known, kind });
    if (fault.kind === "link") readFields(`the link of ${what}`, fault.change, LINK);
    if (fault.kind === "disk") readFields(`the disk of ${what}`, fault.fault, DISK);
    if (when !== undefined) readFields(`the moment of ${what}`, when, MOMENT);
    return timed;
  });
}
