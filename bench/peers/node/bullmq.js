// BullMQ: jobs, their states and what they returned are kept in Redis.
// `bullmq.js order COUNT` or `bullmq.js work`.
const { Queue, Worker } = require("bullmq");
const post = require("./post");

const CONCURRENCY = 50;
const connection = { host: "127.0.0.1", port: Number(process.env.PEER_REDIS_PORT), maxRetriesPerRequest: null };

async function order(count) {
  const queue = new Queue("deliver", { connection });
  for (let first = 0; first < count; first += 1000) {
    const numbers = Array.from({ length: Math.min(1000, count - first) }, (_, index) => first + index);
    await queue.addBulk(numbers.map((number) => ({ name: "deliver", data: { number } })));
  }
  await queue.close();
}

function work() {
  const worker = new Worker("deliver", (job) => post(job.data.number), { connection, concurrency: CONCURRENCY });
  process.on("SIGTERM", () => worker.close().then(() => process.exit(0)));
}

process.argv[2] === "work" ? work() : order(Number(process.argv[3]));
