"""The tools for schedules. Their docstrings and annotations are what an assistant reads."""

from typing import Annotated, Any

from pydantic import Field

from booper_client import Client
from booper_client.fields import Method
from booper_client.mcp_tools.forms import Document, Limit, full, listed, schedule_in_short
from booper_client.mcp_tools.job_tools import Url

ScheduleName = Annotated[str, Field(description="The key of the schedule, or its UUID.")]


class ScheduleTools:
    """Each method is a tool."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_schedules(self, limit: Limit = 50) -> Document:
        """List schedules in short, the oldest first, each with its next instant and its state of health."""
        schedules = self._client.schedules.list(expand="health,key")
        return listed(map(schedule_in_short, schedules), limit)

    def get_schedule(self, schedule: ScheduleName) -> Document:
        """Show a schedule with all its fields and how it is doing."""
        return full(self._client.schedules.get(schedule, expand="health,key"))

    def list_runs(self, schedule: ScheduleName, limit: Limit = 20) -> Document:
        """List what came of each instant of a schedule, the latest first."""
        return listed((each.raw for each in self._client.schedules.runs(schedule)), limit)

    def preview_schedule(
        self,
        cron: Annotated[str | None, Field(description="A cron expression: `0 9 * * 1-5`.")] = None,
        timezone: Annotated[str | None, Field(description="Of the cron expression: `Europe/Berlin`.")] = None,
        repeat_every: Annotated[str | None, Field(description="An interval in place of cron: `5m`.")] = None,
        count: Annotated[int, Field(ge=1, le=100)] = 10,
    ) -> Document:
        """Show when a frequency would be due, and say it in words. Makes nothing."""
        return self._client.schedules.preview(cron=cron, timezone=timezone, repeat_every=repeat_every, count=count).raw

    def put_schedule(
        self,
        key: Annotated[str, Field(description="Its key. The schedule that has this key already is replaced.")],
        url: Url,
        method: Method = "get",
        cron: Annotated[str | None, Field(description="A cron expression: `0 9 * * 1-5`.")] = None,
        timezone: Annotated[str | None, Field(description="Of the cron expression: `Europe/Berlin`.")] = None,
        repeat_every: Annotated[str | None, Field(description="An interval in place of cron: `5m`.")] = None,
        headers: dict[str, str] | None = None,
        body: Annotated[Any, Field(description="JSON; a text is sent as it is.")] = None,
        name: str | None = None,
        description: str | None = None,
    ) -> Document:
        """Make a schedule, which orders a request again and again, or replace the one that has this key."""
        fields: dict[str, Any] = {
            **{"url": url, "method": method, "headers": headers, "body": body},
            **{"cron": cron, "timezone": timezone, "repeat_every": repeat_every},
            **{"name": name, "description": description},
        }
        wanted = {name: value for name, value in fields.items() if value is not None}
        return full(self._client.schedules.put(key, **wanted))

    def enable_schedule(self, schedule: ScheduleName) -> Document:
        """Let a schedule make jobs again."""
        return full(self._client.schedules.enable(schedule))

    def disable_schedule(self, schedule: ScheduleName) -> Document:
        """Stop a schedule from making jobs, and cancel those of its jobs that wait."""
        return full(self._client.schedules.disable(schedule))

    def run_schedule(self, schedule: ScheduleName) -> Document:
        """Make one more job of a schedule, at once."""
        return full(self._client.schedules.run(schedule))
