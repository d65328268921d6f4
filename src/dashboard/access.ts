import { timingSafeEqual } from "node:crypto";
import { runtime } from "../base/runtime/runtime.ts";

/** Name of the cookie of a page that has given the token. */
const COOKIE = "fedlab-session";

/** Largest number of sessions; the oldest ends when there is one more. */
const MAX_SESSIONS = 100;

/** Time in milliseconds between two wrong tokens that are answered, from all addresses together. */
const WRONG_TOKEN_MILLIS = 500;

/**
 * Decides which requests a dashboard answers.
 *
 * Without a token, only those to a loopback name, which pages of other sites cannot make their
 * browser send. With one, those with the token, or with a cookie that was given for it.
 */
export class Access {
  readonly #token: Uint8Array | undefined;
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #isSecure: boolean;
  readonly #sessions = new Set<string>();
  #nextTry = 0;

  /**
   * @param options `token` is asked for where it is given; `hosts` are the names, with the port,
   * that a request may be to, by default any; `isSecure` is true for a server with TLS.
   */
  constructor(
    { token, hosts, isSecure = false }: {
      token?: string;
      hosts?: ReadonlySet<string>;
      isSecure?: boolean;
    },
  ) {
    this.#token = token === undefined ? undefined : new TextEncoder().encode(token);
    this.#hosts = hosts;
    this.#isSecure = isSecure;
  }

  /** Returns true if a token is asked for. */
  get wantsToken(): boolean {
    return this.#token !== undefined;
  }

  /**
   * Returns the refusal of a request that comes from another site, or is to another host;
   * `undefined` for others.
   */
  whyStrange(request: Request): string | undefined {
    const host = request.headers.get("host") ?? "";
    if (this.#hosts !== undefined && !this.#hosts.has(host.toLowerCase())) {
      return "Cannot answer: the request is to another host name than this dashboard's";
    }
    const origin = request.headers.get("origin");
    if (origin !== null && originHost(origin) !== host.toLowerCase()) {
      return "Cannot answer: the request comes from a page of another origin";
    }
    const site = request.headers.get("sec-fetch-site");
    if (site === "cross-site" && request.headers.get("sec-fetch-mode") !== "navigate") {
      return "Cannot answer: the request comes from a page of another site";
    }
    return undefined;
  }

  /** Returns true if a request has the token, or the cookie of a session, or none is asked for. */
  isAllowed(request: Request): boolean {
    if (this.#token === undefined) return true;
    const [, bearer] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if (bearer !== undefined) return this.#isToken(bearer);
    const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
    return cookies.some((cookie) => {
      const [name, value = ""] = cookie.split("=");
      return name === COOKIE && this.#sessions.has(value);
    });
  }

  /**
   * Begins a session for a token.
   *
   * @returns The cookie to set; `undefined` for a wrong token, or soon after one.
   */
  begin(token: string): string | undefined {
    const now = runtime.clock.now();
    if (now < this.#nextTry) return undefined;
    if (!this.#isToken(token)) {
      this.#nextTry = now + WRONG_TOKEN_MILLIS;
      return undefined;
    }
    const session = runtime.random.getRandomValues(new Uint8Array(32)).toHex();
    this.#sessions.add(session);
    const [oldest] = this.#sessions;
    if (this.#sessions.size > MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    return `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/${
      this.#isSecure ? "; Secure" : ""
    }`;
  }

  #isToken(text: string): boolean {
    const given = new TextEncoder().encode(text);
    const token = this.#token;
    return token !== undefined && given.length === token.length && timingSafeEqual(given, token);
  }
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
