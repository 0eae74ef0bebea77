"""The command line, and the processes that its commands start. Nothing else imports it."""

from runtime import gc_tuning

gc_tuning.collect_rarely()
