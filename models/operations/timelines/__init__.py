"""What lies around the present instant: attempts of the past, jobs and instants to come, and figures of hosts."""
