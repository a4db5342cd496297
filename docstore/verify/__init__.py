"""Whether what is stored is what was saved: every digest, every version rebuilt, every link of the chain.

``verifying`` says which documents; of one, ``pieces`` looks at what it is now, ``columns`` at what is said of it, and
``histories`` at what it was. Where it is not what was saved, ``tracing`` finds which rows are to blame. ``selecting``
has the SQL, ``damage`` what is told.
"""

from __future__ import annotations

from docstore.verify.report import Damage, Progress, Report, reporting
from docstore.verify.verify import VerifyOptions, find_damage, sought

__all__ = ["Damage", "Options", "Progress", "Report", "reporting", "sought", "verified"]
