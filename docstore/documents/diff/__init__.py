"""A difference told to people: in lines of words, of an experiment in its own terms; and those lines as a table."""
