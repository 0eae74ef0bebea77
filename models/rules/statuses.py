"""Says what status codes of a target mean for what follows. Pure."""

REDIRECTS = (301, 302, 303, 307, 308)  # none is followed
FINAL = (301, 308, 410)  # moved or gone for good: no further attempt gets another answer
