# The tag carries no digest on purpose: a rebuild takes the base image's security fixes, and this file was written where no image
# can be pulled, so a digest here would be a guess. What must be reproducible is pinned by hash in requirements/; whoever
# deploys pins the digest of the image that was built and tested.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements/ requirements/
RUN python -m venv /opt/filmgate \
    && /opt/filmgate/bin/pip install --require-hashes -r requirements/runtime.txt \
    && python -m venv /builder \
    && /builder/bin/pip install --require-hashes -r requirements/build.txt
COPY . .
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . ./clients/python \
    && /opt/filmgate/bin/pip install --no-deps --no-index /wheels/*.whl
# The wheel of PyAV bundles GPL libraries; their notices travel with the image.
RUN mkdir -p /notices/av \
    && cp LICENSE NOTICE docs/licenses/* /notices/ \
    && cp -r /opt/filmgate/lib/python3*/site-packages/av-*.dist-info/licenses \
             /opt/filmgate/lib/python3*/site-packages/av-*.dist-info/sboms /notices/av/

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Filmgate" \
      org.opencontainers.image.description="The self-hosted gRPC gateway to every AI video model" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later"
RUN groupadd --gid 10001 filmgate \
    && useradd --uid 10001 --gid filmgate --no-create-home --home-dir /data --shell /usr/sbin/nologin filmgate \
    && install -d -o filmgate -g filmgate -m 0750 /data
COPY --from=build /opt/filmgate /opt/filmgate
COPY --from=build /notices /usr/share/doc/filmgate
ENV PATH=/opt/filmgate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FILMGATE_DATA_DIR=/data \
    FILMGATE_HOST=0.0.0.0
# Everything that is written lies in /data (a volume) or /tmp (a tmpfs), so the root may be read-only.
USER 10001:10001
VOLUME /data
EXPOSE 50051 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["filmgate"]
CMD ["serve"]
