import hashlib

from tests.customer_file import CHURN_CSV, CHURN_CSV_SHA256


def test_the_customer_file_is_the_published_one_byte_for_byte() -> None:
    assert hashlib.sha256(CHURN_CSV.read_bytes()).hexdigest() == CHURN_CSV_SHA256
