"""Every kind that a file may declare, in the order in which they are made: what is named comes before what names it."""

from booper_client.cli.files.kinds.alerts import Alerts
from booper_client.cli.files.kinds.calendars import Calendars
from booper_client.cli.files.kinds.channels import Channels
from booper_client.cli.files.kinds.endpoints import Endpoints
from booper_client.cli.files.kinds.flows import Flows
from booper_client.cli.files.kinds.groups import Groups
from booper_client.cli.files.kinds.kind import Kind
from booper_client.cli.files.kinds.schedules import Schedules

SCHEDULES = Schedules()
KINDS: tuple[Kind, ...] = (Calendars(), Groups(), Flows(), Endpoints(), Channels(), SCHEDULES, Alerts())
