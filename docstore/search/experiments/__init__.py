"""What is asked of experiments: their trials and observations as tables, their best arms, and others like them."""
