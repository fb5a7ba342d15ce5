"""A predictor of a revision, which Prometheus scrapes as long as it runs."""

from local import ports
from local.knative import Revision
from local.prometheus import Prometheus
from local.serving import Predictor


class Scraped:
    """Its series have the labels that a PodMonitor would give them: namespace, release and pod."""

    def __init__(self, predictor: Predictor, revision: Revision, prometheus: Prometheus, namespace: str) -> None:
        self._predictor, self._prometheus = predictor, prometheus
        self._address = f"{ports.LOOPBACK}:{predictor.port}"
        labels = {"namespace": namespace, "release": revision.release, "pod": f"{revision.name}-{predictor.port}"}
        prometheus.target(self._address, labels)

    @property
    def port(self) -> int:
        """Of its HTTP server."""
        return self._predictor.port

    def stop(self) -> None:
        """Returns when it is gone."""
        self._prometheus.target(self._address, None)
        self._predictor.stop()
