# The service only: no TensorFlow, no pip, no compiler, no shell, no root.

# The newest Python on which all tests run, including training.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS builder
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
# For `strip`.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
WORKDIR /src
RUN python -m venv --without-pip /opt/numeral
# Locked packages first, so that they stay in the build cache when only Numeral's code changes.
COPY requirements/service.txt requirements/
RUN python -m pip --python /opt/numeral/bin/python install --require-hashes -r requirements/service.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY models models
COPY training training
COPY export export
# The build backend and its dependencies are not needed afterwards.
RUN python -m pip --python /opt/numeral/bin/python install --no-deps --no-build-isolation . \
    && python -m pip --python /opt/numeral/bin/python uninstall --yes \
        hatchling editables pathspec pluggy tomlkit trove-classifiers
COPY deploy/image image
RUN python image/trim.py /opt/numeral \
    && python image/gather.py /opt/numeral /image \
    && mkdir --mode 700 /feedback

# Only Python, the packages, and the libraries that they load.
FROM scratch
COPY --from=builder /image /
# A volume mounted here inherits the owner, so that the service can write to it.
COPY --from=builder --chown=10001:10001 /feedback /var/lib/numeral
ENV PATH=/opt/numeral/bin:/usr/local/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
# A number, so that Kubernetes can verify that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# ProxyHandler({}) ignores HTTP_PROXY.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["numeral", "serve", "--host", "0.0.0.0"]
