"""The classical models on real responses: fold 0, each answer forecast before it is seen.

AUC and log-loss are those that `tutorstream eval` printed, held within .001; they reach what the
models are known to reach on this split (in brackets) within .002, Elo's AUC within .0013.
"""

from pathlib import Path

import pytest

from engines.classical import bkt, elo, item_mean, recency
from engines.maths.verification import auc, calibration_error, log_loss
from server.logs import read_responses

FIGURES = {
    item_mean: (0.7894, 0.4418),  # (.789, .442)
    bkt: (0.7038, 0.4981),  # (.704, .498)
    elo: (0.8209, 0.4193),  # (.822, .418)
    recency: (0.8247, 0.4156),  # (.825, .415)
}


@pytest.mark.slow
def test_statics2011(shared: Path):
    path = shared / "data" / "statics2011.csv.gz"
    if not path.is_file():
        pytest.skip("real data is not here: statics2011")
    log = read_responses(path)
    train, test = log.rows_of([1, 2, 3, 4]), log.rows_of([0])
    right = log.right[test]
    for module, (area, loss) in FIGURES.items():
        p = module.predict(module.fit(log, train, 0), log, test)
        assert auc(right, p) == pytest.approx(area, abs=0.001), module.__name__
        assert log_loss(right, p) == pytest.approx(loss, abs=0.001), module.__name__
        assert calibration_error(right, p) < 0.02
        assert auc(right, p) < 0.83, "above .83 suspect a leak"
