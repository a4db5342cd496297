"""Experiments as they are stored: trials and observations as frames, the best arms, and similar experiments."""
