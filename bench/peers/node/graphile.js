// graphile-worker: jobs are rows, deleted when done; so that something is kept, each writes a row of its own.
// `graphile.js order COUNT` or `graphile.js work`.
const { run, runMigrations } = require("graphile-worker");
const { Pool } = require("pg");
const post = require("./post");

const CONCURRENCY = 24;
const connectionString = process.env.PEER_DATABASE_URL;
const pgPool = new Pool({ connectionString, max: CONCURRENCY + 2 });

async function deliver({ number }, helpers) {
  const answer = await post(number);
  const insert = "INSERT INTO result (number, status_code, answer) VALUES ($1, $2, $3)";
  await helpers.query(insert, [number, answer.status, answer.body]);
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
