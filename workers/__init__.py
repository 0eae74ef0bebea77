"""What happens as time passes: staging, claiming, sending, judging, recording, and the periodic duties."""
