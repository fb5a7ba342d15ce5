# The predictor's image: the serving lock, the chosen extras, artifact/, features/ and predictor/; no model, no training
# code.
# Build: make image. The model comes from KServe's storage initializer at /mnt/models; nothing is written at run time.
FROM docker.io/library/python:3.12-slim AS base

FROM base AS install
COPY requirements/serving.txt /tmp/serving.txt
COPY requirements/extras/chosen.txt /tmp/chosen.txt
# The secret `pip` is a pip.conf for those with a package index of their own; it does not stay in the image:
# docker build --secret id=pip,src=pip.conf .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install \
      --no-cache-dir --no-compile --require-hashes --only-binary :all: \
      --requirement /tmp/serving.txt --requirement /tmp/chosen.txt \
 # LightGBM asks for a libgomp that the slim image does not have: it gets the one that scikit-learn brings.
 && ln -s "$(echo /opt/venv/lib/python3*/site-packages/scikit_learn.libs/libgomp-*)" /opt/venv/lib/libgomp.so.1
WORKDIR /app
COPY artifact artifact
COPY features features
COPY predictor predictor
# Bytecode belongs in the image: the root file system is read-only, and compiling costs every cold start seconds.
# Unchecked, so that it stays valid whatever time stamps the files get.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib /app \
 && chmod -R a+rX,go-w /app /opt/venv

FROM base
LABEL org.opencontainers.image.title="modelpin predictor" \
      org.opencontainers.image.description="Serves on KServe the artifact that Git names, and nothing else" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=install /opt/venv /opt/venv
COPY --from=install /app /app
# One thread and one process: a pod has about one core, and pools made for the node would fight over it.
ENV PATH=/opt/venv/bin:$PATH \
    LD_LIBRARY_PATH=/opt/venv/lib \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    JOBLIB_MULTIPROCESSING=0
WORKDIR /app
# A number: Kubernetes cannot tell that a name is not root.
USER 10001:10001
EXPOSE 8080 8081
ENTRYPOINT ["python", "-m", "predictor"]
