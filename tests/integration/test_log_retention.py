import json
import uuid
from datetime import UTC, date, datetime

from churn.core.log_options import LogOptions
from churn.pipeline.steps import create_tables
from churn.warehouse.connect import Connection, connect
from churn.warehouse.predictions.retention import drop_old_predictions
from tests.command import Churn
from tests.integration.test_schema import _partitions as partitions

TODAY = date(2032, 3, 15)


def _add(connection: Connection, moment: datetime, features: object = None) -> str:
    prediction_id = str(uuid.uuid4())
    record = {
        "prediction_id": prediction_id,
        "predicted_at": moment.isoformat(),
        "model_version": "v1",
        "probability_churn": 0.5,
        "prediction": 1,
        "threshold": 0.5,
        "features": features,
    }
    connection.execute("SELECT record_predictions(%s::jsonb)", [json.dumps([record])])
    return prediction_id


def _left(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT prediction_id::text FROM prediction_logs").fetchall()
    return [str(row[0]) for row in rows]


def test_months_that_are_not_kept_are_dropped_and_no_other(
    url: str, connection: Connection
) -> None:
    from churn.warehouse.schema import create_tables as create

    with connect(url) as owner:
        create(owner, today=date(2031, 11, 1))
        kept = [_add(owner, datetime(2032, month, 1, tzinfo=UTC)) for month in (1, 2, 3)]
        for moment in (
            datetime(2031, 12, 31, 23, 59, tzinfo=UTC),
            datetime(2020, 1, 1, tzinfo=UTC),
        ):
            _add(owner, moment)
        gone = drop_old_predictions(owner, 2, today=TODAY)
    assert "prediction_logs_2031_12" in gone
    assert "prediction_logs_2032_01" in partitions(connection)
    assert sorted(_left(connection)) == sorted(kept)
    with connect(url) as owner:
        assert drop_old_predictions(owner, 2, today=TODAY) == []


def test_the_pipelines_step_drops_them_where_it_is_set_so_and_else_keeps_all(
    url: str, connection: Connection
) -> None:
    with connect(url) as owner:
        owner.execute(
            "CREATE TABLE prediction_logs_2020_01 PARTITION OF prediction_logs"
            " FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
        )
        _add(owner, datetime(2020, 1, 7, tzinfo=UTC))
        create_tables(owner, LogOptions())
    assert len(_left(connection)) == 1
    with connect(url) as owner:
        create_tables(owner, LogOptions(retention_months=12))
    assert _left(connection) == []
    assert "prediction_logs_2020_01" not in partitions(connection)


def test_a_prediction_without_its_values_cannot_be_replayed_which_is_reported(
    churn: Churn, connection: Connection
) -> None:
    churn("create-tables")
    with connect(churn.database_url) as owner:
        prediction_id = _add(owner, datetime.now(UTC))
    refused = churn("replay", prediction_id)
    assert refused.returncode == 1
    assert "CHURN_LOG_FEATURES=off" in refused.stderr
    assert connection
