/** Web pages that may join, and the names by which they reach the server. */
export interface WebOriginOptions {
  /**
   * Origins, such as `"https://example.org"`, whose pages may join; `"*"` stands for all. Default:
   * none but the server's own.
   */
  origins?: readonly string[];
  /**
   * Names, with a port or without, that this server goes by besides where it listens:
   * `"fl.example"`, `"fl.example:8443"`. A page that was loaded from one of them is the server's
   * own. Default: none.
   */
  hosts?: readonly string[];
}

/** A host as requests and options name it. */
interface Host {
  /** In the form of `URL`: lower case, IPv6 in brackets. */
  readonly name: string;
  /** With the port, if there is one. */
  readonly host: string;
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;
const IP = /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+)$/;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Decides about the web page that a request came from, if it came from one.
 *
 * Only a browser says an origin: any page that a user opens could otherwise join a server that only
 * the user's machine can reach. That the page comes from the host which it asks for proves nothing,
 * because the owner of a name can have it lead here after the page was loaded (DNS rebinding). So a
 * page is the server's own only under a name that is this server's.
 */
export class WebOrigins {
  readonly #origins: readonly string[];
  readonly #hosts: ReadonlySet<string>;
  readonly #isHere: (name: string) => boolean;

  /**
   * Rules for a server that listens on this host, as it stands in a URL; without it, and on all
   * interfaces, by any IP address.
   *
   * Throws a `SyntaxError` for one of `hosts` that is none.
   */
  constructor({ origins = [], hosts = [] }: WebOriginOptions, listensOn?: string) {
    this.#origins = origins;
    this.#hosts = new Set(hosts.map((text) => {
      const host = parseHost(text);
      if (host !== undefined) return host.host;
      throw new SyntaxError(
        `Cannot use hosts: expected names such as fl.example or fl.example:8443, got ${
          JSON.stringify(text)
        }`,
      );
    }));
    const own = listensOn?.toLowerCase();
    this.#isHere = own === undefined || own === "0.0.0.0" || own === "[::]"
      ? (name) => name === "localhost" || IP.test(name)
      : LOOPBACK.test(own)
      ? (name) => LOOPBACK.test(name)
      : (name) => name === own;
  }

  /**
   * Returns the reason for which the request's page may not join; `undefined` if it may, or if
   * there is no page.
   */
  refusal(headers: Headers): string | undefined {
    const origin = headers.get("origin");
    const host = parseHost(headers.get("host") ?? "");
    const isOwnHost = host !== undefined && this.#isOwn(host);
    if (origin === null) {
      // A program may say any host that it likes, so to refuse it for that would only trouble
      // proxies.
      return isOwnHost || !headers.has("sec-fetch-mode")
        ? undefined
        : "This server does not go by the name that a page asked for";
    }
    if (this.#origins.includes("*") || this.#origins.includes(origin)) return undefined;
    if (!isSameHost(origin, headers.get("host") ?? "")) {
      return "Pages of this origin may not join";
    }
    return isOwnHost ? undefined : "This server does not go by the name that the page came from";
  }

  #isOwn({ name, host }: Host): boolean {
    return this.#hosts.has(host) || this.#hosts.has(name) || this.#isHere(name);
  }
}

/** A `Host` header or one of the options; `undefined` where it is malformed. */
export function parseHost(text: string): Host | undefined {
  const url = HOST.test(text) ? URL.parse(`http://${text}`) : null;
  if (url === null) return undefined;
  return { name: url.hostname.replace(/\.$/, ""), host: url.host };
}

/** Returns true if the page's host and port are those that the request is for. */
function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  if (page === null || !/^https?:$/.test(page.protocol)) return false;
  return URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}
