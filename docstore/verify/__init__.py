"""Whether what is stored is what was saved: every digest, every version rebuilt, every link of the chain.

``verifying`` says which documents; of one, ``pieces`` looks at what it is now, ``columns`` at what is said of it, and
``histories`` at what it was. Where it is not what was saved, ``tracing`` finds which rows are to blame. ``selecting``
has the SQL, ``damage`` what is told.
"""

from __future__ import annotations

from docstore.verify.report import Damage as Damage
from docstore.verify.report import Progress as Progress
from docstore.verify.report import Report as Report
from docstore.verify.report import reporting as reporting
from docstore.verify.verify import VerifyOptions as VerifyOptions
from docstore.verify.verify import find_damage as find_damage
from docstore.verify.verify import sought as sought
