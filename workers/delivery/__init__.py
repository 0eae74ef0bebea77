"""From claim to record: slots, rendering, sending, judging, recording."""
