"""The commands, and what each is for. A command's module is imported when it is called."""

COMMANDS = {
    "run": "Order an HTTP request, for now or for later.",
    "jobs": "List, show, cancel and repeat jobs.",
    "schedules": "Make schedules, and see what came of them.",
    "failures": "Show what failed and nobody has run again.",
    "flows": "Show, limit and pause flows.",
    "groups": "Name targets that are called together.",
    "calendars": "Name days on which schedules do not run.",
    "alerts": "Say who is notified when something goes wrong.",
    "incidents": "Show what alert rules have found.",
    "operations": "Show and stop bulk actions, such as cancelling many jobs.",
    "endpoints": "Say who receives the events of all jobs.",
    "logs": "Show requests and responses, also as they happen.",
    "listen": "Bring requests of jobs to a server on this machine.",
    "status": "Show what is due, running, waiting and failing.",
    "import": "Make a file of schedules from another program's.",
    "mcp": "Let an AI assistant work with jobs and schedules (MCP).",
    "login": "Keep the URL and the key of a server.",
    "logout": "Forget the URL and the key of a server.",
    "profiles": "List the servers that `login` has kept.",
    "completion": "Print the script that completes commands in a shell.",
}

OF_MACHINE = ("login", "logout", "profiles", "completion")


def module_of(name: str) -> str:
    """Where a command is."""
    folder = "machine." if name in OF_MACHINE else ""
    return f"booper_client.cli.commands.{folder}{name}_command"
