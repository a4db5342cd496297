"""What is told of a document's versions, and done with them: by place, by tag, by branch, by merge."""
