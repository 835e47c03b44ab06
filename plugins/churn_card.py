"""The model's card inside the Airflow UI."""

from airflow.plugins_manager import AirflowPlugin

from orchestration.card_page import LazyApp, create_app
from orchestration.edges import model_store

PREFIX = "/churn-card"


class ChurnCard(AirflowPlugin):
    """Adds a page with the card of the live model, and of every version kept."""

    name = "churn_card"
    fastapi_apps = [  # noqa: RUF012 - the base class declares it so
        {
            "name": "Churn model card",
            "app": LazyApp(lambda: create_app(model_store)),
            "url_prefix": PREFIX,
        }
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Churn model card",
            "href": f"{PREFIX.removeprefix('/')}/",
            "url_route": "churn-model-card",
            "destination": "nav",
            "category": "browse",
        }
    ]
