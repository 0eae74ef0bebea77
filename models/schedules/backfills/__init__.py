"""Past instants of a schedule that are made up for."""
