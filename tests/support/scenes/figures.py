"""Shows the figures of an account, without the minutes in which nothing happened."""

from tests.support.scenes.scene import pretty


def show(caller):
    data = caller.quietly("GET", "/api/stats").json["data"]
    minutes = data.pop("minutes")
    caller.scene.write(f"\n--- {caller.name}: GET /api/stats\n{pretty(data)}")
    caller.scene.write(f"{len(minutes)} minutes from {minutes[0]['at']} to {minutes[-1]['at']}, and in these something")
    for minute in minutes:
        if minute["completed"] or minute["failed"]:
            caller.scene.write("  " + " ".join(f"{name}={value}" for name, value in minute.items()))
