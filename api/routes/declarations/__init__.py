"""What a file may declare of an account, and how each kind of it is compared with what there is."""
