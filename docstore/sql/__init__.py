"""JSON documents as rows: the tables, the statements, the transactions, and what differs between databases."""
