/** The TypeScript client of Booper: every operation typed from its OpenAPI document, with retries, errors and pages. */
export { type Booper, type Options, createBooper } from "./client.js";
export { ApiError, BooperError, ConnectionFailedError, SignatureError } from "./errors.js";
export { pages } from "./pages.js";
export { verify } from "./signatures.js";
export type { components, paths } from "./schema.js";
