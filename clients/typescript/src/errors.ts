/** What may go wrong. */
export class BooperError extends Error {}

/** No answer came, although the request was repeated. */
export class ConnectionFailedError extends BooperError {}

/** A request is not signed with this secret, or was signed too long ago. */
export class SignatureError extends BooperError {}

/** Booper refused a request. `errors`: what is wrong, by the path of the field. */
export class ApiError extends BooperError {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: Record<string, string[]> = {},
    readonly requestId?: string,
  ) {
    const lines = Object.entries(errors).flatMap(([field, texts]) => texts.map((text) => `${field || "request"}: ${text}`));
    super([message, ...lines].join("\n"));
  }
}

/** The error that an answer means; one that Booper did not write has the code `unreadable`. */
export async function errorOf(response: Response): Promise<ApiError> {
  const document: unknown = await response.json().catch(() => null);
  const problem = (document as { error?: Record<string, unknown> } | null)?.error;
  if (typeof problem?.["code"] !== "string") {
    return new ApiError(response.status, "unreadable", `the answer is no answer of Booper (status ${response.status})`);
  }
  return new ApiError(
    response.status,
    problem["code"],
    String(problem["message"]),
    problem["errors"] as Record<string, string[]>,
    problem["request_id"] as string,
  );
}
