"""How tasks are retried: bad luck is tried again, bad data fails at once."""

from datetime import timedelta
from typing import Any, Final

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRY_POLICY: Final = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="churn.core.errors.DataQualityError",
            action=RetryAction.FAIL,
            reason="the data is not what is needed; trying again cannot help",
        ),
        RetryRule(
            exception="churn.core.errors.ModelRefusedError",
            action=RetryAction.FAIL,
            reason="the model failed a check; trying again cannot help",
        ),
    ]
)

DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "churn",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(minutes=30),
}
