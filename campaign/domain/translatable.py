"""The mark of a text that stands among the rules and is translated where it is shown: gettext's `N_`."""

from __future__ import annotations

N_ = str
