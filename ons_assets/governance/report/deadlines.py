"""By when something that needs a person is to be done: so many working days after it began."""

from collections.abc import Sequence
from datetime import date

import numpy as np


def due(since: date, working_days: int, holidays: Sequence[date]) -> date:
    """Return the day by which something is to be done.

    Parameters
    ----------
    since
        Day on which it began; one that is no working day counts as the next that is one.
    working_days
        That there are after it: Monday to Friday.
    holidays
        Days that are no working days besides.
    """
    last: date = np.busday_offset(since, working_days, roll="forward", holidays=list(holidays)).astype(object)
    return last
