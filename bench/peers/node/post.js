// One POST over kept connections; the status code and the body of the answer.
const http = require("node:http");

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const url = new URL(process.env.PEER_URL);

module.exports = (number) =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ nonce: `bench-${number}` });
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const request = http.request(url, { method: "POST", agent, headers, timeout: 30000 }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, body: Buffer.concat(parts).toString() }));
      answer.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 30 s")));
    request.on("error", reject);
    request.end(body);
  });
