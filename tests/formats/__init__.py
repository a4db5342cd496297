"""Documents and databases that each release wrote, kept as it wrote them.

``tests/faces/test_old_formats.py`` loads them all.

A folder belongs to one release. Once that release is out, nothing in its folder is edited again; if a file of it no
longer loads, what changed since is wrong, and not the file. ``make`` says how a folder comes to be.
"""
