import createClient from "openapi-fetch";
import type { Client, ClientPathsWithMethod, FetchResponse, MaybeOptionalInit } from "openapi-fetch";
import { randomUUID } from "node:crypto";
import { ConnectionFailedError, errorOf } from "./errors.js";
import type { paths } from "./schema.js";

const REPEATED = new Set([429, 502, 503, 504]);

/** `url` and `key` are those of BOOPER_URL and BOOPER_API_KEY where they are left out. */
export interface Options {
  url?: string;
  key?: string;
  /** How often a request is sent at most. */
  attempts?: number;
  /** Milliseconds that one attempt may take. */
  timeout?: number;
  fetch?: typeof fetch;
}

type Method = "get" | "put" | "post" | "patch" | "delete";
type Raw = Client<paths>;
type Inits<Init> = {} extends Init ? [init?: Init] : [init: Init];

interface Answer<Data> {
  data: NonNullable<Data>;
  response: Response;
}

/** What openapi-fetch answers, without its errors: those are thrown. */
type Ask<Of extends Method> = <
  Path extends ClientPathsWithMethod<Raw, Of>,
  Init extends MaybeOptionalInit<paths[Path], Of>,
>(
  path: Path,
  ...init: Inits<Init>
) => Promise<Answer<FetchResponse<paths[Path][Of] & {}, Init, `${string}/${string}`>["data"]>>;

/** `client.GET`, `client.POST` and so on take the paths of the API. `data` is the answer; a refusal is an ApiError. */
export interface Booper extends Pick<Raw, "use" | "eject"> {
  GET: Ask<"get">;
  PUT: Ask<"put">;
  POST: Ask<"post">;
  PATCH: Ask<"patch">;
  DELETE: Ask<"delete">;
}

export function createBooper(options: Options = {}): Booper {
  const url = options.url ?? process.env["BOOPER_URL"] ?? "http://127.0.0.1:8000";
  const key = options.key ?? process.env["BOOPER_API_KEY"];
  if (!/^https?:\/\/[^/]/.test(url)) throw new TypeError(`url must be http:// or https:// and a host, got ${url}`);
  return createClient<paths>({
    baseUrl: url.replace(/\/$/, ""),
    ...(key ? { headers: { Authorization: `Bearer ${key}` } } : {}),
    fetch: (request: Request) => send(request, options),
  }) as Booper;
}

/** The answer, which is a success; else the error that it means. A POST has the same Idempotency-Key in each attempt. */
async function send(request: Request, options: Options): Promise<Response> {
  if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
    request.headers.set("Idempotency-Key", randomUUID());
  }
  const attempts = options.attempts ?? 4;
  for (let attempt = 1; ; attempt++) {
    const answer = await tryOnce(request.clone(), options);
    const last = attempt >= attempts || !waitsShort(answer);
    if (answer instanceof Response && (!REPEATED.has(answer.status) || last)) return checked(answer, request, attempt);
    if (!(answer instanceof Response) && last) throw answer;
    await new Promise((resolve) => setTimeout(resolve, pause(attempt, answer)));
  }
}

async function tryOnce(request: Request, options: Options): Promise<Response | ConnectionFailedError> {
  try {
    const signal = AbortSignal.timeout(options.timeout ?? 30_000);
    return await (options.fetch ?? fetch)(new Request(request, { redirect: "manual", signal }));
  } catch (error) {
    return new ConnectionFailedError(`${new URL(request.url).origin} gave no answer: ${String(error)}`, { cause: error });
  }
}

async function checked(answer: Response, request: Request, attempt: number): Promise<Response> {
  if (answer.ok) return answer;
  const gone = answer.status === 404 && request.method === "DELETE" && attempt > 1;
  if (gone) return new Response(null, { status: 204 }); // an attempt whose answer was lost has deleted it
  throw await errorOf(answer);
}

function retryAfter(answer: Response | Error): number {
  return answer instanceof Response ? Number(answer.headers.get("Retry-After") ?? 0) || 0 : 0;
}

function waitsShort(answer: Response | Error): boolean {
  return retryAfter(answer) <= 30;
}

/** Milliseconds before the next attempt: doubled each time, with a random half. */
function pause(attempt: number, answer: Response | Error): number {
  const doubled = 500 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  return Math.max(doubled, retryAfter(answer) * 1000);
}
