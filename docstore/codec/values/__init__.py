"""Values to JSON and back: the types that JSON lacks, NumPy and pandas, and what a field's annotation leaves unsaid."""
