"""One module for each kind of thing that a file declares: how it is compared, made, deleted and exported."""
