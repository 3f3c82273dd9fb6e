"""Error of filled half hours against hidden real readings (EDRP, 500 homes, 92 days).

python benchmarks/imputation_error.py [--data FOLDER]

The homes are halved: on the first half one may choose how long a gap is drawn straight, the second half
gives the figures of the documentation.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.meters.half_hours.imputation import Error, hidden_error
from ons_assets.parameters.meters import ImputationParameters

DATA = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GAPS = (1, 2, 3, 4, 8, 48, 144)
LONGEST_STRAIGHT = 8
TURNS = 5


def average(kwh: np.ndarray, gap: int, method: str, straight_slots: int = 3) -> Error:
    """Return the mean of some turns, each with other places."""
    parameters = ImputationParameters(method=method, straight_slots=straight_slots)  # type: ignore[arg-type]
    turns = [hidden_error(kwh, gap, parameters, seed=seed) for seed in range(TURNS)]
    return Error(
        gap,
        sum(turn.hidden for turn in turns),
        float(np.mean([turn.mean_absolute_kwh for turn in turns])),
        float(np.mean([turn.relative for turn in turns])),
        float(np.mean([turn.energy_bias for turn in turns])),
    )


def main() -> None:
    """Print the error by length of gap."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    path = parser.parse_args().data / "meters" / "edrp_scotland_500_homes_half_hour.parquet"
    kwh = pl.read_parquet(path).sort("meter", "date", "slot")["kwh"].to_numpy().reshape(500, 92, 48)
    for name, homes in (("first half (choice)", kwh[:250]), ("second half (figures)", kwh[250:])):
        print(f"{name}\n{'gap':>5} {'method':<10} {'MAE kWh':>8} {'relative':>9} {'bias':>7}")
        for gap in GAPS:
            for method in ("straight", "like_days", "both"):
                if method == "straight" and gap > LONGEST_STRAIGHT:
                    continue
                slots = gap if method == "straight" else 3
                error = average(homes, gap, method, slots)
                print(
                    f"{gap:>5} {method:<10} {error.mean_absolute_kwh:>8.3f} "
                    f"{error.relative:>9.3f} {error.energy_bias:>+7.3f}"
                )


if __name__ == "__main__":
    main()
