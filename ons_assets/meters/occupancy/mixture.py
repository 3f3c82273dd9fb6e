"""A mixture of two normal distributions of the logarithm of use: quiet and active half hours."""

import numpy as np
import numpy.typing as npt

from ons_assets.meters.occupancy.readings import log_kwh


def mixture_probabilities(kwh: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the probability that a half hour belongs to the component with the higher mean.

    Each half hour by itself, without its neighbours or the time of day. A home with fewer than three
    different readings has no two components, and NaN throughout.

    Parameters
    ----------
    kwh
        (days, 48) of one home, kWh.

    Returns
    -------
    float32 array (days, 48)
        Probability, NaN where there is no reading.

    References
    ----------
    Dempster, Laird and Rubin (1977), Journal of the Royal Statistical Society B 39; the estimator is
    scikit-learn's.
    """
    from sklearn.mixture import GaussianMixture

    read = np.isfinite(kwh)
    x = log_kwh(kwh[read]).astype(float)[:, None]
    result = np.full(kwh.shape, np.nan, dtype=np.float32)
    if len(np.unique(x)) < 3:
        return result
    start = np.quantile(x, [0.2, 0.8])[:, None]
    model = GaussianMixture(2, means_init=start, random_state=0, reg_covar=1e-4).fit(x)
    result[read] = model.predict_proba(x)[:, np.argmax(model.means_.ravel())]
    return result
