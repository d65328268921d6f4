/** Headers of every answer: nothing from elsewhere, no frame around it, no guesses at types. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** Answers with a body. */
export function answer(
  body: BodyInit | null,
  type: string,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...HEADERS, "content-type": type, ...headers },
  });
}

/** Answers with a value as JSON. */
export function json(value: unknown, status = 200): Response {
  return answer(JSON.stringify(value), "application/json", { status });
}

/** Answers with a reason of one line. */
export function refusal(status: number, reason: string): Response {
  return answer(`${reason}\n`, "text/plain; charset=utf-8", { status });
}
