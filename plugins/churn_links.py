"""Links from the Airflow UI to the service."""

import os

from airflow.plugins_manager import AirflowPlugin

_API = os.environ.get("CHURN_API_URL", "http://localhost:8000")


class ChurnLinks(AirflowPlugin):
    """Adds the service's API documentation and the live model to the navigation."""

    name = "churn_links"
    external_views = [  # noqa: RUF012 - the base class declares it so
        {
            "name": "Churn API",
            "href": f"{_API}/docs",
            "destination": "nav",
            "category": "browse",
        },
        {
            "name": "Churn live model",
            "href": f"{_API}/model",
            "destination": "nav",
            "category": "browse",
        },
    ]
