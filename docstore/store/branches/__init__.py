"""Documents that share a history: branch, merge, their common ancestors, and the identity of their trials."""
