"""Runs Procrastinate: jobs and their states are rows; an async worker has many jobs under way.

`procrastinate_peer.py order COUNT` or `procrastinate_peer.py work`.
"""

import asyncio
import os
import sys

import aiohttp
import procrastinate

CONCURRENCY = 32
connector = procrastinate.PsycopgConnector(conninfo=os.environ["PEER_DATABASE_URL"], max_size=10)
app = procrastinate.App(connector=connector)
sessions: list[aiohttp.ClientSession] = []


@app.task(name="deliver")
async def deliver(number: int) -> None:
    async with sessions[0].post(os.environ["PEER_URL"], json={"nonce": f"bench-{number}"}) as answer:
        await answer.read()
        answer.raise_for_status()


async def order(count: int) -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, count, 1000):
            orders = [{"number": number} for number in range(first, min(first + 1000, count))]
            await deliver.batch_defer_async(*orders)


async def work() -> None:
    async with app.open_async(), aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        sessions.append(session)
        await app.run_worker_async(concurrency=CONCURRENCY)


if __name__ == "__main__":
    asyncio.run(work() if sys.argv[1] == "work" else order(int(sys.argv[2])))
