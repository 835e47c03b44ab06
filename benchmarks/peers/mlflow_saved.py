"""Saves the pipeline as an MLflow model: ``python -m mlflow_saved FOLDER``."""

import shutil
import sys
from pathlib import Path

import mlflow.sklearn
from pipeline import Pipeline

if __name__ == "__main__":
    saved = Path(sys.argv[1]) / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    mlflow.sklearn.save_model(
        Pipeline().model,
        saved,
        pyfunc_predict_fn="predict_proba",
        serialization_format="cloudpickle",
        pip_requirements=["mlflow"],
    )
