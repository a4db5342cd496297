"""What pages show: a module for each page, of functions that return dataclasses."""
