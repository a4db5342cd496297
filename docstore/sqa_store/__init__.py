"""Documents in SQL under the names that users of Ax know: thin functions over one ``Store`` for the process."""
