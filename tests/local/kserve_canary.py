"""Which revision of one InferenceService KServe gives how much traffic by canaryTrafficPercent: what was used before.

After kserve 0.21's ksvc_reconciler.go (traffic) and inference_service_status.go (what counts as rolled out). A revision
is made for each change of the model or its image, also for one that was there before.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wish:
    """What a commit says of one InferenceService: storageUri, image, and canaryTrafficPercent (None: absent)."""

    commit: str
    uri: str
    image: str
    percent: int | None


@dataclass(frozen=True)
class Revision:
    """The `number`-th of its InferenceService."""

    number: int
    uri: str
    image: str

    @property
    def name(self) -> str:
        return f"{self.number:05d}"


@dataclass
class Rollout:
    """The status of one InferenceService, as far as traffic depends on it."""

    percent: int | None = None
    created: Revision | None = None  # the newest, ready or not
    ready: Revision | None = None  # the newest that answers
    rolled_out: Revision | None = None  # the newest that had everything
    before: Revision | None = field(default=None, repr=False)  # that had everything before it

    def want(self, wish: Wish) -> Revision | None:
        """Follow Git; the revision that has to be started now, when model or image are others than before."""
        self.percent = wish.percent
        new = self.created is None or (self.created.uri, self.created.image) != (wish.uri, wish.image)
        if new:
            self.created = Revision(self.created.number + 1 if self.created else 1, wish.uri, wish.image)
        self._propagate()
        return self.created if new else None

    def answers(self, revision: Revision) -> None:
        """The revision is ready; one that is older than another that is ready changes nothing."""
        if self.ready is None or revision.number > self.ready.number:
            self.ready = revision
        self._propagate()

    def traffic(self) -> list[tuple[Revision, int]]:
        """Percent of the requests for the newest ready revision, tagged `latest`, then for the rolled-out, `prev`."""
        if self.ready is None:
            return []
        if self.percent is None or self.rolled_out is None:
            return [(self.ready, 100)]
        split = [(self.ready, self.percent), (self.rolled_out, 100 - self.percent)]
        return split if self.percent < 100 else split[:1]

    def _propagate(self) -> None:
        traffic = self.traffic()
        if not traffic:
            return
        newest, percent = traffic[0]
        if newest != self.rolled_out:
            if percent == 100:
                self.before, self.rolled_out = self.rolled_out, newest
        elif newest == self.created and percent < 100 and self.before is not None:
            # Nothing but a percentage came: both parts of the split are one revision, which reads as a rollback.
            self.rolled_out = self.before
