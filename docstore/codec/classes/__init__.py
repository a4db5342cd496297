"""Objects of classes to JSON and back: which fields a class has, how they are read and set, and who makes the object.

``class_fields`` and ``annotations`` say what a class declares, ``stored_fields`` which of it is stored, ``storable``
whether instances can be stored at all; ``records`` writes and reads an object field by field, ``construct`` makes it,
and ``objects`` chooses between that and enums, namedtuples and a user's own functions.
"""
