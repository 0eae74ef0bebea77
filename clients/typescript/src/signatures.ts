import { createHmac, timingSafeEqual } from "node:crypto";
import { SignatureError } from "./errors.js";

type Headers_ = Headers | Record<string, string | string[] | undefined>;

/**
 * The JSON of a request that Booper signed (Standard Webhooks 1.0); null for an empty body.
 *
 * `body`: the bytes or the text as they came. `now` and `tolerance` are in seconds.
 */
export function verify(
  body: string | Uint8Array,
  headers: Headers_,
  secret: string,
  options: { now?: number; tolerance?: number } = {},
): unknown {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const { now = Date.now() / 1000, tolerance = 300 } = options;
  if (!/^\d+$/.test(timestamp) || Math.abs(now - Number(timestamp)) > tolerance) {
    throw new SignatureError(`the request was signed more than ${tolerance} seconds from now`);
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const signatures = header(headers, "webhook-signature").split(" ").filter((text) => text.startsWith("v1,"));
  const bytes = signatures.map((text) => Buffer.from(text.slice(3), "base64"));
  if (!bytes.some((each) => each.length === wanted.length && timingSafeEqual(each, wanted))) {
    throw new SignatureError("no signature is by this secret");
  }
  const text = typeof body === "string" ? body : Buffer.from(body).toString();
  return text ? JSON.parse(text) : null;
}

function header(headers: Headers_, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  if (typeof value !== "string") throw new SignatureError(`the header ${name} is missing`);
  return value;
}
