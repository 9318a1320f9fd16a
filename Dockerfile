# The service alone: no TensorFlow, no pip, no compiler, no shell, no root.

# 3.13 is the newest Python that the tests, training included, run on.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS builder
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
# For `strip`.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
WORKDIR /src
RUN python -m venv --without-pip /opt/numeral
# The locked packages first: they stay in the build cache when only Numeral's own code changes.
COPY requirements/service.txt requirements/
RUN python -m pip --python /opt/numeral/bin/python install --require-hashes -r requirements/service.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY models models
COPY training training
COPY export export
# The build backend has done its work after this and does not travel on, nor does what it asked for.
RUN python -m pip --python /opt/numeral/bin/python install --no-deps --no-build-isolation . \
    && python -m pip --python /opt/numeral/bin/python uninstall --yes \
        hatchling editables pathspec pluggy tomlkit trove-classifiers
COPY deploy/image image
RUN python image/trim.py /opt/numeral \
    && python image/gather.py /opt/numeral /image \
    && mkdir --mode 700 /feedback

# Nothing but Python, the packages and the libraries that they load.
FROM scratch
COPY --from=builder /image /
# A volume that is mounted there takes over whose it is: the service may write to it.
COPY --from=builder --chown=10001:10001 /feedback /var/lib/numeral
ENV PATH=/opt/numeral/bin:/usr/local/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
# As a number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# ProxyHandler({}): a container may be given HTTP_PROXY, which must not see this request.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["numeral", "serve", "--host", "0.0.0.0"]
