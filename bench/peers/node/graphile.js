// graphile-worker: jobs are rows, deleted when done; so each writes its record in one statement.
// `graphile.js order COUNT` or `graphile.js work`.
const { run, runMigrations } = require("graphile-worker");
const { Pool } = require("pg");
const post = require("./post");

const CONCURRENCY = 24;
const connectionString = process.env.PEER_DATABASE_URL;
const record = `WITH attempted AS (INSERT INTO attempt VALUES ($1, $2, $3, $4))
INSERT INTO log_entry VALUES (gen_random_uuid(), $1, 'request', $5, $2),
    (gen_random_uuid(), $1, 'response', $6, $3)`;
const pgPool = new Pool({ connectionString, max: CONCURRENCY + 2 });

async function deliver({ number }, helpers) {
  const started = new Date();
  const answer = await post(number);
  const told = [JSON.stringify({ nonce: `bench-${number}` }), JSON.stringify({ body: answer.body })];
  await helpers.query(record, [number, started, new Date(), answer.status, ...told]);
}

async function order(count) {
  await runMigrations({ pgPool });
  const orders =
    "SELECT count(graphile_worker.add_job('deliver', json_build_object('number', n))) FROM generate_series(1, $1::int) n";
  await pgPool.query(orders, [count]);
  await pgPool.end();
}

async function work() {
  const preset = { worker: { concurrentJobs: CONCURRENCY, localQueue: { size: 500 }, completeJobBatchDelay: 0 } };
  const runner = await run({ pgPool, preset, taskList: { deliver } });
  await runner.promise;
}

process.argv[2] === "work" ? work() : order(Number(process.argv[3]));
