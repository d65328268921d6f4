/** Formats a number of bytes in a suitable unit. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Formats a share of 1 as a percentage with two digits. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/** Formats a whole number with separators of thousands, and "1 row", "2 rows". */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
