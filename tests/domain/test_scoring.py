import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from churn.core.errors import ModelRefusedError
from churn.core.training_options import Objective
from churn.customer.description import MONTHLY_CHARGES, TENURE, TOTAL_CHARGES
from churn.customer.parsing import parse_customer
from churn.model.block import block_of
from churn.model.columns import COLUMNS, DesignColumn, Transform
from churn.model.conditioning import Conditioner
from churn.model.policy import Policy
from churn.model.score import ModelFamily
from churn.model.scorecard import Scorecard, WeightedColumn, points
from churn.registry.loaded_model import load_model
from churn.registry.manifest import Manifest
from churn.registry.store import CARD, SCORECARD, TREES, ModelStore
from tests.customer_file import conditioner, package, trained
from tests.trees import BOOSTING, FOREST, rows, tree_package
from tests.trees import model as tree_model

ORIGIN = parse_customer({"tenure": 5, "monthly_charges": 95.5, "gender": "Male", "partner": False})


def _written(tmp_path: Path, manifest: Manifest, files: dict[str, bytes]) -> Path:
    """Write a version whose hashes are right, whatever its content is."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    honest = manifest.model_copy(update={"files": hashes})
    return ModelStore(tmp_path).write_candidate(honest, files)


def _with_scorecard(tmp_path: Path, scorecard: Scorecard) -> Path:
    files = {**package().files, SCORECARD: scorecard.model_dump_json().encode()}
    return _written(tmp_path, package().manifest, files)


def _with_column(number: int, **changes: float) -> Scorecard:
    scorecard = trained().scorecard
    columns: list[WeightedColumn] = list(scorecard.columns)
    columns[number] = columns[number].model_copy(update=changes)
    update = {"columns": tuple(columns), "points": points(tuple(columns))}
    return scorecard.model_copy(update=update)


def test_a_sound_version_is_loaded_and_scores_as_the_trained_model(tmp_path: Path) -> None:
    model = load_model(_written(tmp_path, package().manifest, dict(package().files)))
    assert model.version == package().manifest.version
    assert model.score(ORIGIN) == conditioner().score(ORIGIN)


def test_a_customer_is_contacted_from_the_threshold_on(tmp_path: Path) -> None:
    score, nobody = conditioner().score(ORIGIN), parse_customer({})
    for threshold, contact in ((score.probability, True), (score.probability + 1e-6, False)):
        policy = Policy(objective=Objective.BEST_F1, threshold=threshold)
        manifest = package().manifest.model_copy(update={"policy": policy})
        folder = tmp_path / str(contact)
        model = load_model(_written(folder, manifest, dict(package().files)))
        assert model.decision(score, nobody).contact is contact
        assert model.decision(score, nobody).threshold == threshold
        assert score.prediction == 1


@pytest.mark.parametrize("number", range(len(COLUMNS)))
def test_any_changed_weight_is_refused_although_the_hashes_are_right(
    tmp_path: Path, number: int
) -> None:
    weight = trained().scorecard.columns[number].weight + 1e-3
    with pytest.raises(ModelRefusedError, match=r"golden row \d+ scores"):
        load_model(_with_scorecard(tmp_path, _with_column(number, weight=weight)))


@pytest.mark.parametrize("change", ["mean", "scale", "outcome_covariance"])
@pytest.mark.parametrize("number", [0, 10])
def test_a_changed_moment_is_refused_although_the_hashes_are_right(
    tmp_path: Path, number: int, change: str
) -> None:
    value = getattr(trained().scorecard.columns[number], change) + 1e-3
    with pytest.raises(ModelRefusedError, match=r"golden row \d+ scores"):
        load_model(_with_scorecard(tmp_path, _with_column(number, **{change: value})))


def test_a_changed_intercept_is_refused_although_the_hashes_are_right(tmp_path: Path) -> None:
    scorecard = trained().scorecard
    other = scorecard.model_copy(update={"intercept": scorecard.intercept + 1e-6})
    with pytest.raises(ModelRefusedError, match="golden row 0 scores"):
        load_model(_with_scorecard(tmp_path, other))


def test_a_changed_correlation_is_refused_although_the_hashes_are_right(tmp_path: Path) -> None:
    scorecard = trained().scorecard
    rows = [[0.9 * x for x in row] for row in scorecard.correlation]
    for i, row in enumerate(rows):
        row[i] = 1.0
    other = scorecard.model_copy(update={"correlation": tuple(map(tuple, rows))})
    with pytest.raises(ModelRefusedError, match=r"golden row \d+ scores"):
        load_model(_with_scorecard(tmp_path, other))


@pytest.mark.parametrize(
    "known", [{"contract": "Ten years"}, {"tenure": "long"}, {"tenure": -5}, {"partner": "maybe"}]
)
def test_a_golden_row_that_cannot_be_scored_is_refused(
    tmp_path: Path, known: dict[str, object]
) -> None:
    document = json.loads(package().manifest.model_dump_json())
    document["golden_rows"][3]["known"] = known
    manifest = Manifest.model_validate(document)
    with pytest.raises(ModelRefusedError, match="golden row 3 fails"):
        load_model(_written(tmp_path, manifest, dict(package().files)))


def test_a_version_without_a_scorecard_is_refused(tmp_path: Path) -> None:
    files = {CARD: package().files[CARD]}
    with pytest.raises(ModelRefusedError, match=f"does not list {SCORECARD}"):
        load_model(_written(tmp_path, package().manifest, files))


def test_a_foreign_scorecard_is_refused_although_its_hash_is_right(tmp_path: Path) -> None:
    files = {**package().files, SCORECARD: b"\x89PNG\r\n\x1a\n"}
    with pytest.raises(ModelRefusedError, match=r"scorecard\.json"):
        load_model(_written(tmp_path, package().manifest, files))


def _with_trees(tmp_path: Path, family: ModelFamily) -> Path:
    version = tree_package(family)
    return _written(tmp_path, version.manifest, dict(version.files))


@pytest.mark.parametrize("family", [BOOSTING, FOREST])
def test_trees_score_whole_customers_and_the_scorecard_the_others(
    tmp_path: Path, family: ModelFamily
) -> None:
    model = load_model(_with_trees(tmp_path, family))
    whole = rows()[5]
    assert model.family is family
    assert model.score(whole) == tree_model(family).score(whole)
    assert model.score(whole).scored_by is family
    assert model.score(ORIGIN) == conditioner().score(ORIGIN)
    assert model.score(ORIGIN).scored_by is ModelFamily.SCORECARD


def test_mixed_customers_are_scored_at_once_as_each_alone(tmp_path: Path) -> None:
    model = load_model(_with_trees(tmp_path, BOOSTING))
    mixed = [rows()[5], ORIGIN, rows()[6], parse_customer({"contract": "One year"})]
    alone = [model.score(known).probability for known in mixed]
    assert model.score_block(block_of(mixed)).probability.tolist() == pytest.approx(
        alone, abs=1e-12
    )
    assert model.score_block(block_of([])).probability.shape == (0,)


def test_a_scorecard_version_scores_many_customers_too(tmp_path: Path) -> None:
    model = load_model(_written(tmp_path, package().manifest, dict(package().files)))
    mixed = [rows()[5], ORIGIN]
    alone = [model.score(known).probability for known in mixed]
    assert model.family is ModelFamily.SCORECARD
    assert model.score_block(block_of(mixed)).probability.tolist() == alone


def test_trees_that_do_not_score_their_golden_rows_are_refused(tmp_path: Path) -> None:
    version = tree_package(BOOSTING)
    files = {**version.files, TREES: tree_package(FOREST).files[TREES]}
    with pytest.raises(ModelRefusedError, match=r"golden row 0 scores"):
        load_model(_written(tmp_path, version.manifest, files))


def test_a_tree_family_without_its_trees_is_refused(tmp_path: Path) -> None:
    manifest = tree_package(BOOSTING).manifest
    with pytest.raises(ModelRefusedError, match=f"does not list {TREES}"):
        load_model(_written(tmp_path, manifest, dict(package().files)))


def test_a_family_that_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    version = tree_package(BOOSTING)
    manifest = version.manifest.model_copy(update={"family": "oracle"})
    with pytest.raises(ModelRefusedError, match="cannot score the family 'oracle'"):
        load_model(_written(tmp_path, manifest, dict(version.files)))


def test_a_scorecard_is_served_without_xgboost_scipy_scikit_learn_or_pandas(
    tmp_path: Path,
) -> None:
    folder = _written(tmp_path, package().manifest, dict(package().files))
    program = (
        "import sys; from pathlib import Path; import serving.api.app; "
        "from churn.registry.loaded_model import load_model; "
        "from churn.customer.parsing import parse_customer; "
        "model = load_model(Path(sys.argv[1])); "
        "model.score(parse_customer({'tenure': 5})); "
        "print(sorted({'xgboost', 'scipy', 'sklearn', 'pandas', 'airflow'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_by_profit_each_customer_has_a_threshold_of_their_own(tmp_path: Path) -> None:
    policy = Policy(objective=Objective.PROFIT, threshold=0.15, typical_monthly_charges=64.0)
    manifest = package().manifest.model_copy(update={"policy": policy})
    model = load_model(_written(tmp_path, manifest, dict(package().files)))
    rich = parse_customer({"tenure": 30, "contract": "One year", "monthly_charges": 118.0})
    poor = parse_customer({**rich, "monthly_charges": 18.0})
    for known, charges in ((rich, 118.0), (poor, 18.0), (parse_customer({"tenure": 30}), 64.0)):
        score = model.score(known)
        decision = model.decision(score, known)
        assert decision.threshold == pytest.approx(10 / (0.3 * 3.6 * charges))
        assert decision.contact == (score.probability > decision.threshold)


def _earlier_scorecard() -> Scorecard:
    """Return the scorecard as it was before each number was there in two forms."""
    scorecard = trained().scorecard
    kept = [i for i, c in enumerate(scorecard.columns) if c.design not in _ADDED]
    correlation = tuple(tuple(scorecard.correlation[i][j] for j in kept) for i in kept)
    columns = tuple(scorecard.columns[i] for i in kept)
    update = {"columns": columns, "correlation": correlation, "third_moments": ()}
    return scorecard.model_copy(update=update)


_ADDED = (
    DesignColumn(TENURE, Transform.IDENTITY),
    DesignColumn(MONTHLY_CHARGES, Transform.LOG1P),
    DesignColumn(TOTAL_CHARGES, Transform.IDENTITY),
)


def test_a_version_of_the_release_before_is_served_as_it_was(tmp_path: Path) -> None:
    scorecard = _earlier_scorecard()
    earlier = Conditioner(scorecard)
    document = json.loads(package().manifest.model_dump_json())
    for name in ("margin", "incentive", "retained_acceptance"):
        del document["policy"][name]
    del document["trained_on"]["fitted"], document["trained_on"]["held_out"]
    document["policy"] |= {"objective": "half", "threshold": 0.5}
    document["threshold"] = 0.5
    for row in document["golden_rows"]:
        row["probability"] = earlier.score(parse_customer(row["known"])).probability
    content = scorecard.model_dump_json(exclude={"third_moments"}).encode()
    files = {**package().files, SCORECARD: content}
    model = load_model(_written(tmp_path, Manifest.model_validate(document), files))
    score = model.score(ORIGIN)
    assert score.interval == earlier.score(ORIGIN).interval
    assert score.spread is None
    decision = model.decision(score, ORIGIN)
    assert (score.prediction, decision.contact, decision.threshold) == (1, True, 0.5)
    assert decision.expected_profit == pytest.approx(score.probability * 0.3 * 3.6 * 95.5 - 10)
    block = block_of([ORIGIN])
    assert model.score_block(block).probability.tolist() == [score.probability]
