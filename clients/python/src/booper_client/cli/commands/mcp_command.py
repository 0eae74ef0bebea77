"""`booper mcp`: a server of the Model Context Protocol, which an assistant starts and talks to by pipes."""

import click

from booper_client.cli.failures import Refusal
from booper_client.cli.output import Output
from booper_client.cli.session import Session

MISSING = "`mcp` needs the extra of that name: pip install './clients/python[mcp]'"


@click.command("mcp")
@click.option("--read-only", is_flag=True, help="Only tools that change nothing.")
@click.option("--profile", help="The server to ask, by its name in `profiles`.")
@click.pass_context
def command(ctx: click.Context, read_only: bool, profile: str | None) -> None:
    """Let an AI assistant work with jobs and schedules (MCP).

    A server of the Model Context Protocol on standard input and output. The
    assistant starts it, and may do what the key may do. It ends with its input.
    docs/clients.md shows what to write into the assistant's settings.
    """
    try:
        from booper_client.mcp_tools.server import server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "pydantic"):
            raise
        raise Refusal(MISSING) from None
    session = Session(Output("plain"), profile, ctx.find_root().info_name or "booper")
    with session.client as client:
        server(client, read_only).run("stdio")
