"""The pipeline as an MLServer model: ``python -m mlserver_settings PORT``."""

import asyncio
import sys

from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import PandasCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from pipeline import Pipeline


class Churn(MLModel):  # type: ignore[misc]
    """Answers with the probability of each customer of a request."""

    async def load(self) -> bool:
        """Load the pipeline."""
        self._pipeline = Pipeline()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the probability of leaving."""
        frame = PandasCodec.decode_request(payload)
        found = self._pipeline.model.predict_proba(frame)[:, 1].tolist()
        output = ResponseOutput(name="p", shape=[len(found)], datatype="FP64", data=found)
        return InferenceResponse(model_name=self.name, outputs=[output])


async def serve(port: int) -> None:
    """Serve in this process: a pool of workers costs more than it brings on one core."""
    settings = Settings(
        parallel_workers=0,
        host="127.0.0.1",
        http_port=port,
        grpc_port=port + 1,
        metrics_port=port + 2,
        debug=False,
    )
    await MLServer(settings).start([ModelSettings(name="churn", implementation=Churn)])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
