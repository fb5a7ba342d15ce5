# The predictor's image: the serving lock, the chosen extras, artifact/, features/, predictor/, initializer/ and shipper/;
# no model, no training code.
# Build: make image. The model comes from a storage initializer at /mnt/models; nothing is written at run time.
# Two builds of one commit give one digest (docs/image.md): no step here takes anything from the clock or the network
# that a digest or a hash does not name.
FROM docker.io/library/python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS base

# The machine that builds installs for any other: wheels are only unpacked, and bytecode is the same everywhere.
FROM --platform=$BUILDPLATFORM docker.io/library/python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS install
ARG TARGETARCH
COPY requirements/serving.txt /tmp/serving.txt
COPY requirements/extras/chosen.txt /tmp/chosen.txt
# Without dependencies: the locks are complete but for requirements/serving.excludes.
# The secret `pip` is a pip.conf for those with a package index of their own; it does not stay in the image:
# docker build --secret id=pip,src=pip.conf .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) exit 2 ;; esac \
 && for tag in _2_28 _2_27 _2_26 _2_24 _2_17 2014; do set -- "$@" --platform "manylinux${tag}_$machine"; done \
 && python -m pip install --target /opt/packages "$@" --no-deps --no-cache-dir --no-compile \
      --require-hashes --only-binary :all: --requirement /tmp/serving.txt --requirement /tmp/chosen.txt
# Their own tests, programs that nothing here calls, and the C++ that pysimdjson is made of.
RUN rm -r /opt/packages/bin /opt/packages/simdjson/simdjson.cpp /opt/packages/simdjson/simdjson.h \
 && find /opt/packages/numpy /opt/packages/pandas /opt/packages/scipy /opt/packages/sklearn \
      -depth -type d -name tests -exec rm -r {} +
# LightGBM asks for a libgomp that the slim image does not have: it gets the one that scikit-learn brings.
RUN mkdir /opt/packages/lib && ln -s /opt/packages/scikit_learn.libs/libgomp-* /opt/packages/lib/libgomp.so.1
WORKDIR /app
COPY artifact artifact
COPY features features
COPY initializer initializer
COPY predictor predictor
COPY shipper shipper
# Bytecode belongs in the image: the root file system is read-only, and compiling costs every cold start seconds. The
# base has none of the standard library's. Unchecked, so that it stays valid whatever time stamps the files get; by one
# process, since what a module is compiled to depends a little on those before it.
RUN export PYTHONHASHSEED=0 \
 && python -m compileall -q -j 1 --invalidation-mode unchecked-hash /opt/packages /app \
 && library="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && python -m compileall -q -j 1 --invalidation-mode unchecked-hash \
      -x '/(ensurepip|idlelib|lib2to3|pydoc_data|site-packages|test|tests|tkinter|turtledemo)/' "$library" \
 && mkdir /opt/bytecode \
 && find "$library" -name site-packages -prune -o -name '*.pyc' -exec cp --parents -t /opt/bytecode {} + \
 && chmod -R a+rX,go-w /app /opt/packages /opt/bytecode

FROM base
LABEL org.opencontainers.image.title="modelpin predictor" \
      org.opencontainers.image.description="Serves on KServe the artifact that Git names, and nothing else" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=install /opt/packages /opt/packages
COPY --from=install /opt/bytecode /
COPY --from=install /app /app
# One thread and one process: a pod has about one core, and pools made for the node would fight over it.
ENV PYTHONPATH=/app:/opt/packages \
    LD_LIBRARY_PATH=/opt/packages/lib \
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
