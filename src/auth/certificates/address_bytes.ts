/** Returns the 4 or 16 bytes of an IP address; `undefined` for another text. */
export function addressBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (four) {
    const numbers = four.slice(1).map(Number);
    return numbers.every((number) => number < 256) ? new Uint8Array(numbers) : undefined;
  }
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text)) return undefined;
  let host: string;
  try {
    // In its shortest form, without dots.
    host = new URL(`http://[${text}]`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
  const [left = [], right] = host.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = right === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right ?? []];
  return new Uint8Array(groups.flatMap((group) => {
    const number = parseInt(group, 16);
    return [number >> 8, number & 0xff];
  }));
}
