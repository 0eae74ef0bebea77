"""Fields of a job request that few need, each with what it means and how it is read."""
