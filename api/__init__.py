"""What a client may ask: blueprints, schemas and the one error shape. Writes rows and answers; never talks to a broker."""
