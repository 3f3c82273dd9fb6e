"""Linear and whole-number programs, solved by HiGHS."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import highspy
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Setting = str | float
FloatArray = npt.NDArray[np.float64]

# A search that needs more nodes of its tree than this is given up, and the bound that it had reached is taken.
MOST_NODES = 2_000


ANSWERS = (
    highspy.HighsModelStatus.kOptimal,
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnbounded,
)


class End(IntEnum):
    """An end of an interval, as the sign of the cost whose least value gives it."""

    LOW = 1
    HIGH = -1


class Infeasible(Exception):
    """Nothing meets the limits."""


@dataclass(frozen=True)
class Rows:
    """Sums and what they lie between.

    Parameters
    ----------
    matrix : sparse array of float64, shape (rows, columns)
        Coefficients.
    low, high : array of float64, shape (rows,)
        Limits of the rows; may be infinite.
    """

    matrix: csr_array
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Optimum:
    """What a program came to.

    Parameters
    ----------
    value
        The least cost, -inf if there is none; of a search that was given up, what the cost is not below.
    point : array of float64, shape (columns,)
        Where it is reached; None if it is not, or a search found nothing before it was given up.
    """

    value: float
    point: FloatArray | None


class LinearProgram:
    """Columns within limits, and rows of their sums; only the cost changes from one question to the next.

    The basis of the last answer meets all limits whatever the cost, so that the next answer starts from it.

    Parameters
    ----------
    rows
        What is said of the sums.
    low, high : array of float64, shape (columns,)
        Limits of the columns.
    whole
        Whether columns are whole numbers; each question is then answered anew, by a search.
    gap
        A search ends when no more than this share of the cost can be saved.
    """

    def __init__(self, rows: Rows, low: FloatArray, high: FloatArray, *, whole: bool = False, gap: float = 0.0) -> None:
        self._highs = _QuietHighs()  # type: ignore[no-untyped-call]
        self._whole = whole
        # Nothing would be kept of a presolved program that the next question could start from.
        searching: dict[str, Setting] = {"mip_max_nodes": MOST_NODES, "mip_rel_gap": gap}
        solving: dict[str, Setting] = {"presolve": "off", "solver": "simplex"}
        for name, value in {**(searching if whole else solving), "parallel": "off", "random_seed": 0}.items():
            self._highs.setOptionValue(name, value)
        self._highs.passModel(_model(rows, low, high, whole))
        self._asked: list[int] = []

    def least(self, cost: Mapping[int, float]) -> Optimum:
        """Return the least cost, of a cost by column; the rest cost nothing.

        Raises
        ------
        Infeasible
            If nothing meets the limits.
        RuntimeError
            If the solver comes to no answer.
        """
        changed = {**dict.fromkeys(self._asked, 0.0), **cost}
        columns, costs = np.array([*changed], dtype=np.int32), np.array([*changed.values()], dtype=np.float64)
        self._highs.changeColsCost(len(changed), columns, costs)
        self._asked = [*cost]
        return self._searched() if self._whole else self._solved()

    def duals(self) -> FloatArray:
        """Return what a unit of each row adds to the least cost of the last question."""
        return np.array(self._highs.getSolution().row_dual)

    def _solved(self) -> Optimum:
        status = self._status()
        if status not in ANSWERS:
            # The last basis may be a bad start; without one the answer takes longer, and comes.
            self._highs.clearSolver()
            status = self._status()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Infeasible
        if status == highspy.HighsModelStatus.kUnbounded:
            return Optimum(-math.inf, None)
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"the linear program has no answer: {self._highs.modelStatusToString(status)}")
        return Optimum(self._highs.getInfo().objective_function_value, self._point())

    def _searched(self) -> Optimum:
        self._highs.clearSolver()
        status = self._status()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Infeasible
        found = self._highs.getInfo()
        has_point = found.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        return Optimum(found.mip_dual_bound, self._point() if has_point else None)

    def _status(self) -> highspy.HighsModelStatus:
        self._highs.run()
        return self._highs.getModelStatus()

    def _point(self) -> FloatArray:
        return np.array(self._highs.getSolution().col_value)


class _QuietHighs(highspy.Highs):
    """HiGHS that prints nothing: it greets where the constructor enables callbacks, of which none is used here."""

    def enableCallbacks(self) -> None:  # noqa: N802
        self.setOptionValue("output_flag", False)


def _model(rows: Rows, low: FloatArray, high: FloatArray, whole: bool) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = rows.matrix.shape
    model.col_cost_ = np.zeros(len(low))
    model.col_lower_, model.col_upper_ = low, high
    model.row_lower_, model.row_upper_ = rows.low, rows.high
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = rows.matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = rows.matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = rows.matrix.data
    if whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(low)
    return model
