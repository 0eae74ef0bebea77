"""Flow control: gates that jobs have to pass, and which job passes when."""
