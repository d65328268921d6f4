import { errorMessage } from "../../base/errors.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { explain } from "../socket.ts";

/** Creates the one-line error of a listener that could not be opened, with TLS or without. */
export function explainListen(address: string, cause: unknown): Error {
  if (!isTlsFault(cause)) return explain("listen on", address, cause);
  const why = errorMessage(cause).includes("KeyMismatch")
    ? "the key is not the certificate's"
    : errorMessage(cause);
  return new Error(`Cannot listen on ${address}: ${why}`, { cause });
}

/** Explains an error about the server's certificate; `undefined` for other errors. */
export function unfitCertificate(words: string, name: string): string | undefined {
  if (words.includes("UnknownIssuer")) {
    return "the server's certificate is signed by no CA that this client trusts";
  }
  const others = /not valid for name .*?; certificate is only valid for (.*)$/.exec(words)?.[1];
  if (others === undefined) return undefined;
  const names = [...others.matchAll(/\w+\("?([^")]+)"?\)/g)].map((match) => match[1]);
  return `the server's certificate is for ${names.join(", ")}, not for ${name}`;
}

/** Explains an error of the TLS library. */
export function tlsMeaning(cause: unknown): string {
  const text = errorMessage(cause);
  if (text.includes("corrupt message")) return "the other side does not speak TLS";
  const alert = /received fatal alert: (\w+)/.exec(text)?.[1];
  if (alert === "UnknownCA" || alert === "BadCertificate" || alert === "CertificateUnknown") {
    return `the other side does not take this side's certificate (${alert})`;
  }
  return text;
}

function isTlsFault(cause: unknown): boolean {
  return cause instanceof runtime.errors.InvalidData ||
    cause instanceof Error && cause.message.includes("KeyMismatch");
}
