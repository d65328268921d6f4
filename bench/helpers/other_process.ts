/** Milliseconds of a tick of Linux's account of processor time. */
const TICK_MILLIS = 10;

/** Returns the processor time that a process has taken, in milliseconds. Linux only. */
export function millisOfProcess(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name, in parentheses, may contain spaces.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MILLIS;
}
