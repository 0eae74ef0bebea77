"""Prints what `booper serve` says first: its address, the demo key, and requests to try."""

from runtime.settings import DEMO_KEY, LOOPBACK, Settings


def greet(settings: Settings) -> None:
    """Print the address of the API, the demo key and requests to try."""
    base = settings.listen_url
    lines = [f"Booper listens on {base}", f"Dashboard: {base}/ (sign in with a key)"]
    if settings.target_allow and settings.host in LOOPBACK:
        lines.append(f"Jobs may reach {settings.target_allow} (BOOPER_TARGET_ALLOW)")
    if settings.demo_key:
        lines += with_demo_key(settings, base)
    print("\n".join(lines), flush=True)


def with_demo_key(settings: Settings, base: str) -> list[str]:
    public = settings.demo_key == DEMO_KEY
    known = " (everybody knows it: for trying out only)" if public else ""
    warning = "Warning: others can reach this address and use the demo key; BOOPER_DEMO_KEY=off ends that"
    return [
        *([warning] if public and settings.host not in LOOPBACK else []),
        f"Demo key: {settings.demo_key}{known}",
        "Try in a second terminal:",
        f"  curl -X POST {base}/api/jobs -H 'Authorization: Bearer {settings.demo_key}' "
        "-H 'Content-Type: application/json' \\",
        f'    -d \'{{"method": "post", "url": "{base}/api/echo", "body": {{"hello": "world"}}, '
        '"schedule_in": [2, "seconds"]}\'',
        "Two seconds later, what was sent and what came back:",
        f"  curl -H 'Authorization: Bearer {settings.demo_key}' {base}/api/logs",
    ]
