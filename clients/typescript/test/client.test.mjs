// Against a live server: BOOPER_URL, BOOPER_API_KEY, and BOOPER_TEST_LOSSY_URL, which loses the first two answers.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ApiError, ConnectionFailedError, SignatureError, createBooper, pages, verify } from "booper-client";

const url = "https://example.com/hook";
const booper = createBooper();

test("a job is ordered, listed page by page, and cancelled", async () => {
  const made = [];
  for (let n = 0; n < 3; n++) {
    const { data } = await booper.POST("/api/jobs", { body: { url, schedule_in: 3600, labels: ["ts"] } });
    made.push(data.data.id);
  }
  const listed = [];
  const query = { label: "ts", limit: 2 };
  for await (const job of pages((cursor) => booper.GET("/api/jobs", { params: { query: { ...query, cursor } } }))) {
    listed.push(job.id);
  }
  assert.deepEqual(listed.sort(), made.sort());
  const { data } = await booper.POST("/api/jobs/{key}/cancel", { params: { path: { key: made[0] } } });
  assert.equal(data.data.job.state, "cancelled");
});

test("a refusal is an error with the fields that are wrong", async () => {
  await assert.rejects(booper.POST("/api/jobs", { body: { url, timeout: 0 } }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, Object.keys(error.errors)], [422, "invalid_request", ["timeout"]]);
    return true;
  });
});

test("an order whose answer is lost is made once", async () => {
  const lossy = createBooper({ url: process.env.BOOPER_TEST_LOSSY_URL });
  const { data } = await lossy.POST("/api/jobs", { body: { url, schedule_in: 3600, name: "lost" } });
  const { data: listed } = await booper.GET("/api/jobs", { params: { query: { name: "lost" } } });
  assert.deepEqual(listed.data.map((job) => job.id), [data.data.id]);
});

test("a server that is not there is an error", async () => {
  const nobody = createBooper({ url: "http://127.0.0.1:9", attempts: 1 });
  await assert.rejects(nobody.GET("/api/ping"), ConnectionFailedError);
});

test("what the server signed is verified, and nothing else", () => {
  const { body, headers, secret } = JSON.parse(process.env.BOOPER_TEST_SIGNED);
  assert.deepEqual(verify(body, headers, secret), { n: 1 });
  assert.throws(() => verify(`${body} `, headers, secret), SignatureError);
  assert.throws(() => verify(body, headers, "whsec_AAAA"), SignatureError);
  assert.throws(() => verify(body, {}, secret), /webhook-id is missing/);
  assert.throws(() => verify(body, headers, secret, { now: 0 }), /more than 300 seconds/);
});

test("the package may be required, too", () => {
  const required = createRequire(import.meta.url)("booper-client");
  assert.equal(typeof required.createBooper, "function");
  assert.equal(typeof required.verify, "function");
});
