import numpy as np
import numpy.typing as npt

def parse_cer_text(
    block: bytes, position_of: npt.NDArray[np.int16], factor: float, largest: float
) -> tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.int32],
    npt.NDArray[np.int16],
    npt.NDArray[np.int16],
    npt.NDArray[np.float32],
    npt.NDArray[np.int64],
    npt.NDArray[np.int64],
    npt.NDArray[np.int64],
    npt.NDArray[np.int8],
    int,
]: ...
