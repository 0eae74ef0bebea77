"""What a client may ask: blueprints, schemas, the one error shape. Writes rows and answers; never talks to a broker."""
