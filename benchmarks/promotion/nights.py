"""A hundred nights of one company under the former and the present rule, on the same data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.promotion import company, former
from benchmarks.promotion.company import Drift, Floats, Labels
from benchmarks.promotion.logistic import Logistic
from churn.model.recipe import STANDARD
from churn.training import promotion
from churn.training.comparison import Comparison
from churn.training.folds import Folds
from churn.training.holdout import HELD_OUT_SHARE
from churn.training.refits import Refit, refit, score_unseen

NIGHTS: Final = 100
SHIFTED_AT: Final = 30
_JUDGED_BY: Final = 8_000
"""Customers on which expected losses are computed from the true probabilities."""
_RULE: Final = promotion.PromotionRule()


@dataclass(frozen=True)
class Setting:
    """A company and its drift. ``renewed``: the share of customers replaced by new ones a night."""

    customers: int
    churn: float
    drift: Drift
    renewed: float = 0.05


@dataclass
class Base:
    """The customers of a night; those who stay keep their outcome, hold-out and folds."""

    design: Floats
    y: Labels
    held_out: NDArray[np.bool_]
    places: Folds

    @classmethod
    def draw(cls, random: np.random.Generator, design: Floats, p: Floats) -> "Base":
        """Return new customers."""
        size = len(p)
        return cls(
            design,
            (random.random(size) < p).astype(np.int64),
            random.random(size) < HELD_OUT_SHARE,
            random.integers(STANDARD.folds, size=(STANDARD.repeats, size)),
        )

    def replace(self, rows: NDArray[np.intp], new: "Base") -> None:
        """Put new customers in the place of others."""
        self.design[rows], self.y[rows] = new.design, new.y
        self.held_out[rows], self.places[:, rows] = new.held_out, new.places


class Model:
    """A night's candidate: the fit that would serve, and its refits, made where they are needed."""

    def __init__(self, base: Base, start: Logistic | None) -> None:
        learn = ~base.held_out
        self.fitted = Logistic(base.design[learn], base.y[learn], start)
        self._base = (base.design.copy(), base.y.copy(), base.places.copy())

    def score(self, design: Floats) -> Floats:
        """Return probabilities of churning."""
        return np.asarray(self.fitted.predict_proba(design)[:, 1])

    @cached_property
    def refits(self) -> Sequence[Refit]:
        """One for each fold of each repeat."""
        return refit(lambda x, y: Logistic(x, y, self.fitted), *self._base)


Rule = Callable[[Base, Model, Model], bool]


@dataclass
class Course:
    """What a rule did: the champion, its regret by night, and its promotions."""

    judge: Rule
    champion: Model
    regret: list[float] = field(default_factory=list)
    promoted: list[int] = field(default_factory=list)
    wrong: int = 0

    def night(self, number: int, base: Base, candidate: Model, losses: tuple[float, float]) -> None:
        """Decide; ``losses``: what champion and candidate are expected to lose per customer."""
        serves, new = losses
        if self.judge(base, self.champion, candidate):
            self.wrong += new > serves
            self.champion, serves = candidate, new
            self.promoted.append(number)
        self.regret.append(max(0.0, serves - new))


def hold_out(base: Base, champion: Model, candidate: Model) -> Comparison:
    """Return the comparison on customers that neither has learned from."""
    design, y = base.design[base.held_out], base.y[base.held_out]
    return Comparison(y, champion.score(design), candidate.score(design), company.slices(design))


def out_of_fold(base: Base, champion: Model, candidate: Model) -> Comparison:
    """Return the comparison of both recipes' refits, on customers that neither has learned from."""
    old, new = (score_unseen(m.refits, base.design, base.places) for m in (champion, candidate))
    return Comparison(base.y, old, new, company.slices(base.design), folds=STANDARD.folds)


def former_rule(base: Base, champion: Model, candidate: Model) -> bool:
    """Decide as before."""
    return former.promotes(hold_out(base, champion, candidate))


def present_rule(base: Base, champion: Model, candidate: Model) -> bool:
    """Decide as ``churn.pipeline.champion_challenger`` does."""
    compared = hold_out(base, champion, candidate)
    if promotion.needs_refits(compared, len(base.y), _RULE):
        compared = out_of_fold(base, champion, candidate)
    return promotion.judge(compared, _RULE).promote


class Truth:
    """The true probabilities of a simulated company's customers, by night."""

    def __init__(self, setting: Setting, random: np.random.Generator) -> None:
        self._drift = setting.drift
        self._judged_by = company.draw_design(random, _JUDGED_BY)
        log_odds = company.base_log_odds(self._judged_by)
        self._intercept = company.intercept_for(log_odds, setting.churn)

    def probabilities(self, design: Floats, night: int) -> Floats:
        """Return the true probability of each customer."""
        shift = self._drift.log_odds(design, self._drift.strength(night, NIGHTS, SHIFTED_AT))
        return company.sigmoid(company.base_log_odds(design) + shift + self._intercept)

    def loss(self, model: Model, night: int) -> float:
        """Return the expected log-loss on customers drawn that night."""
        p, true = model.score(self._judged_by), self.probabilities(self._judged_by, night)
        return float(np.mean(-true * np.log(p) - (1 - true) * np.log1p(-p)))


def simulate(setting: Setting, seed: int, rules: Sequence[Rule]) -> list[Course]:
    """Return what each rule did with the same company's data."""
    random = np.random.default_rng([seed, setting.customers, round(1000 * setting.churn)])
    truth = Truth(setting, random)
    design = company.draw_design(random, setting.customers)
    base = Base.draw(random, design, truth.probabilities(design, 0))
    candidate = Model(base, None)
    courses = [Course(rule, candidate) for rule in rules]
    for night in range(1, NIGHTS):
        rows = random.permutation(setting.customers)[: round(setting.renewed * setting.customers)]
        new = company.draw_design(random, len(rows))
        base.replace(rows, Base.draw(random, new, truth.probabilities(new, night)))
        candidate = Model(base, candidate.fitted)
        new_loss = truth.loss(candidate, night)
        for course in courses:
            old_loss = truth.loss(course.champion, night)
            course.night(night, base, candidate, (old_loss, new_loss))
    return courses
