"""What happens as time passes: staging, claiming, sending, judging, recording, and the periodic duties."""

from runtime import gc_tuning

gc_tuning.collect_rarely()
