"""Lists the addresses of routes with an id or a name, with a text in its place that names nothing."""

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
HOSTILE = ["%00", "a%00b", "%EF%BF%BF", "%F0%9F%92%A9", "%2e%2e", "'", "a" * 4000, "9" * 400, "-1", "%ED%A0%80"]


def addresses(app, text, below):
    """The method, the route and the address of each route with an id or a name, with the text in its place."""
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.rule.startswith(below) and "filename" not in rule.arguments:
            _, address = rule.build(dict.fromkeys(rule.arguments, "NAME"))
            for method in rule.methods & METHODS:
                yield method, rule.rule, address.replace("NAME", text)
