"""Makes the address policy of a sending process from the settings: to which addresses its requests may go."""

from models.rules.address_rules import WELL_KNOWN_NAT64, AddressPolicy, parse_allow, parse_nat64
from models.rules.url_rules import origins
from runtime.settings import Settings
from workers.transport.local_addresses import is_local, own_addresses


def address_policy(settings: Settings) -> AddressPolicy:
    """What the settings allow beside public addresses, and what leads back to Booper itself and is never allowed."""
    return AddressPolicy(
        parse_allow(settings.target_allow),
        own_addresses(settings.host, settings.port),
        origins(settings.public_urls),
        is_local,
        (WELL_KNOWN_NAT64, *parse_nat64(settings.nat64_prefixes)),
        settings.hide_private_names,
    )
