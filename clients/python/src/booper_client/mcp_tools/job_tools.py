"""The tools for jobs. Their docstrings and annotations are what an assistant reads."""

from typing import Annotated, Any

from pydantic import Field

from booper_client import Client
from booper_client.fields import Kind, Method, State
from booper_client.mcp_tools.forms import Document, Limit, full, job_in_short, listed

JobName = Annotated[str, Field(description="The UUID of the job, or its number.")]
Url = Annotated[str, Field(description="The address that is called, http:// or https://.")]


class JobTools:
    """Each method is a tool."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_jobs(
        self,
        state: State | None = None,
        kind: Kind | None = None,
        label: Annotated[str | None, Field(description="`customer:*` for any that begins so.")] = None,
        host: Annotated[str | None, Field(description="The host of its URL.")] = None,
        name: str | None = None,
        text: Annotated[str | None, Field(description="What its URL or name contains.")] = None,
        schedule: Annotated[str | None, Field(description="Of this schedule, by key or UUID.")] = None,
        limit: Limit = 20,
    ) -> Document:
        """List jobs in short, the newest first."""
        filters: dict[str, Any] = {
            **{"state": state, "kind": kind, "label": label, "host": host},
            **{"name": name, "text": text, "schedule": schedule},
        }
        return listed(map(job_in_short, self._client.jobs.list(**filters)), limit)

    def get_job(self, job: JobName) -> Document:
        """Show a job with all its fields and its last attempt."""
        return full(self._client.jobs.get(job, expand="last_attempt"))

    def explain_job(self, job: JobName) -> Document:
        """Say why a job has not run yet, the most important reason first; of one that has ended, how."""
        return {"reasons": [reason.raw for reason in self._client.jobs.explain(job)]}

    def list_attempts(self, job: JobName) -> Document:
        """List the requests that a job has sent: when, how each ended, how long each phase took."""
        return {"items": [attempt.raw for attempt in self._client.jobs.attempts(job)]}

    def list_failures(
        self,
        host: Annotated[str | None, Field(description="The host of its URL.")] = None,
        label: str | None = None,
        limit: Limit = 20,
    ) -> Document:
        """List jobs that failed and that nobody has run again, each with its last attempt."""
        return listed(map(job_in_short, self._client.failures.list(host=host, label=label)), limit)

    def group_failures(self) -> Document:
        """Count what failed by state, host and reason, the largest group first."""
        return {"items": [group.raw for group in self._client.failures.groups()]}

    def get_status(self) -> Document:
        """Show how many jobs are due, running, waiting and failing, the queue, and the workers."""
        return self._client.stats().raw

    def create_job(
        self,
        url: Url,
        method: Method = "get",
        headers: dict[str, str] | None = None,
        body: Annotated[Any, Field(description="JSON; a text is sent as it is.")] = None,
        schedule_in: Annotated[str | None, Field(description="How long from now: `90s`, `1h30m`.")] = None,
        scheduled_at: Annotated[str | None, Field(description="When: `2027-01-31T09:00:00Z`.")] = None,
        name: str | None = None,
        labels: list[str] | None = None,
        max_attempts: Annotated[int | None, Field(description="How often it is tried; default 20.")] = None,
        timeout: Annotated[float | None, Field(description="Seconds that an attempt may take; default 30.")] = None,
        idempotency_key: Annotated[str | None, Field(description="One job with this key until it is sent.")] = None,
    ) -> Document:
        """Order a request, which is sent now or at the time given, and again after a failure."""
        fields: dict[str, Any] = {
            **{"method": method, "headers": headers, "body": body},
            **{"schedule_in": schedule_in, "scheduled_at": scheduled_at, "name": name, "labels": labels},
            **{"max_attempts": max_attempts, "timeout": timeout, "idempotency_key": idempotency_key},
        }
        wanted = {name: value for name, value in fields.items() if value is not None}
        return full(self._client.jobs.create(url, **wanted))

    def cancel_job(self, job: JobName) -> Document:
        """Cancel a job: it sends nothing more. One that has ended stays as it is."""
        return full(self._client.jobs.cancel(job))

    def retry_job(self, job: JobName) -> Document:
        """Run a job again: a new job with the same request, due now."""
        return full(self._client.jobs.retry(job))
