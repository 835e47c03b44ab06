"""The simulation behind the table of docs/registry.md, on one company of it."""

import numpy as np

from benchmarks.promotion.company import Drift
from benchmarks.promotion.nights import Setting, former_rule, present_rule, simulate


def test_a_stale_champion_of_a_small_company_costs_at_most_half_of_what_it_did() -> None:
    setting = Setting(700, 0.27, Drift("coefficient", "abrupt"))
    former, present = simulate(setting, 0, (former_rule, present_rule))
    assert np.mean(present.regret) <= np.mean(former.regret) / 2
    assert present.wrong == 0


def test_without_a_drift_a_small_companys_champion_stays() -> None:
    (present,) = simulate(Setting(700, 0.27, Drift()), 1, (present_rule,))
    assert not present.promoted
