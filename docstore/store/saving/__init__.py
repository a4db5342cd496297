"""Saving: a pipeline of values, each made from the one before.

``LocalChanges -> Divergence -> Resolution -> Changeset -> Saved -> the object brought up to date``

1. ``local_changes``: what differs in an object from the version it was loaded from, its ``loaded_state``.
2. ``divergence``: what others saved since.
3. ``resolution``: both merged, or an error that names where they conflict.
4. ``pipeline``: the changeset, which the writer writes and commits. It calls each step, in this order.
5. ``object_update``: what the object is to get; checked before the COMMIT.
6. ``after_commit``: the object gets it, and remembers the version that it is now.

``together`` saves several objects in one transaction, by the same steps; ``bulk`` saves many new ones at once, and
``upgrade`` those that their classes write otherwise now. ``creation`` loads a document, or creates it. ``overwriting``
warns of what ``on_conflict="overwrite"`` takes out. ``store.status`` and ``store.refresh`` plan the
same save, and do not write it.

``direct`` writes versions without an object. It, and ``store.branches.merge``, merge states of a whole document, not
the changes of an object: ``whole_states`` does so by the same ``resolve``.
"""
