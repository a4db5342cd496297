"""Which attributes of a model object are left out when it is stored.

Every dataclass field is stored, under its name without one leading underscore. A field that can be worked out from the
others, or points back at its owner, is declared ``field(metadata=NOT_STORED)``.
"""

from __future__ import annotations

from types import MappingProxyType

NOT_STORED = MappingProxyType({"stored": False})
