# Targets: airflow, serving. Versions come from locks/, with hashes; a compiler is never needed.
FROM python:3.12-slim-bookworm AS builder
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_NO_CACHE=1 \
    UV_LINK_MODE=copy
COPY locks/bootstrap.lock /tmp/bootstrap.lock
# The environment has no installer of its own: nothing can be added to a finished image.
RUN pip install --only-binary :all: --require-hashes -r /tmp/bootstrap.lock \
    && python -m venv --without-pip /opt/venv
# Compiled now: the finished root file system is read-only.

FROM builder AS airflow-packages
COPY locks/airflow.lock /tmp/airflow.lock
RUN uv pip sync --python /opt/venv/bin/python --compile-bytecode --only-binary :all: --require-hashes /tmp/airflow.lock

FROM builder AS serving-packages
COPY locks/serving.lock /tmp/serving.lock
RUN uv pip sync --python /opt/venv/bin/python --compile-bytecode --only-binary :all: --require-hashes /tmp/serving.lock

FROM python:3.12-slim-bookworm AS base
LABEL org.opencontainers.image.vendor="churn-pipeline" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.2.0"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app/include:/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
COPY docker/probe.py ./

# Not FROM apache/airflow: its own packages come from other pins than locks/airflow.lock, and our lock
# on top would leave both; this way the image holds exactly what the Docker-free stack runs.
FROM base AS airflow
LABEL org.opencontainers.image.title="churn-airflow" \
      org.opencontainers.image.description="Airflow with the churn pipeline's DAGs and plugins."
ENV AIRFLOW_HOME=/opt/airflow \
    HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/app/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/app/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/srv/airflow-logs \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/srv/airflow-logs/dag_processor \
    MPLCONFIGDIR=/tmp/matplotlib
# A new volume takes the owner of the folder it is mounted on.
RUN groupadd --gid 50000 airflow \
    && useradd --uid 50000 --gid 50000 --no-create-home --home-dir /opt/airflow airflow \
    && install -d -o airflow -g airflow /opt/airflow /srv/airflow-logs /srv/models /srv/data
COPY --from=airflow-packages /opt/venv /opt/venv
COPY docker/airflow-init.sh docker/scheduler.sh docker/heartbeat.py ./
COPY docker/churn /usr/local/bin/
COPY include/ include/
COPY plugins/ plugins/
COPY dags/ dags/
USER 50000:50000
EXPOSE 8080
CMD ["airflow", "version"]

FROM base AS serving
LABEL org.opencontainers.image.title="churn-serving" \
      org.opencontainers.image.description="Churn predictions over HTTP."
ENV CHURN_MODEL_STORE=/srv/models \
    CHURN_SPOOL=/srv/spool
# The models belong to the pipeline's user here too, whichever container makes the volume first.
RUN groupadd --gid 50001 serving \
    && useradd --uid 50001 --gid 50001 --no-create-home --home-dir /nonexistent serving \
    && install -d -o 50000 -g 50000 /srv/models \
    && install -d -o serving -g serving -m 0700 /srv/spool
COPY --from=serving-packages /opt/venv /opt/venv
COPY include/churn/ include/churn/
COPY serving/api/ serving/api/
USER 50001:50001
EXPOSE 8000
# /livez, not /readyz: a service that waits for its first model is well.
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "/app/probe.py", "8000", "/livez"]
CMD ["python", "-m", "serving.api", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]
