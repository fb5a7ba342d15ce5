"""What is read back from a real Prometheus: whole counts, whatever became of the pods."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from artifact.errors import ConfigurationError, StorageError
from monitoring import analysis, live
from monitoring.analysis import Moment
from monitoring.canary import Action
from monitoring.increments import increments
from monitoring.live import Live
from monitoring.prometheus import Grid, Prometheus, Series, matcher
from monitoring.thresholds import ROLL_BACK, Source, Thresholds
from tests.monitoring.recording import QUEUE, Recording

BEGAN = 1_763_600_000.0  # an afternoon in November
BEFORE, DURING = 240, 180  # minutes of the stable release before the canary, and of both
NAMES = {"canary": "iris-aaaaaaaa", "stable": "iris-bbbbbbbb"}
CASES: dict[str, dict[str, object]] = {
    "good": {},
    "errors": {"errors": 0.08},
    "slow": {"slowdown": 3.0},
    "constant": {"classes": {"setosa": 1.0}},
    "swapped": {"classes": {"setosa": 0.2, "versicolor": 0.3, "virginica": 0.5}},
}


@pytest.fixture(scope="module")
def url(recorded: Callable[[str], str]) -> str:
    """Each case in a namespace of its own, at 1 request a second, a tenth of them on the canary."""
    result = Recording(BEGAN - BEFORE * 60)
    for seed, (case, kind) in enumerate(CASES.items()):
        location = f"iris-{case}"
        result.release(location, NAMES["stable"], seed, scrapes=BEFORE + DURING, per_scrape=54)
        result.release(location, NAMES["canary"], 100 + seed, scrapes=DURING, per_scrape=6, first=BEFORE, **kind)  # type: ignore[arg-type]
    result.release("iris-alone", NAMES["stable"], 1, scrapes=BEFORE, per_scrape=54)
    result.release("iris-alone", NAMES["canary"], 2, scrapes=DURING, per_scrape=6, first=BEFORE, errors=0)
    result.release("iris-unseen", NAMES["stable"], 1, scrapes=BEFORE + DURING, per_scrape=54)
    proxied = {"namespace": "iris-unseen", "release": NAMES["canary"], "pod": "p", "http_response_status_code": "200"}
    result.counter(QUEUE, proxied, [6.0] * DURING, first=BEFORE)
    hard = {"namespace": "iris-hard", "release": NAMES["canary"], "http_response_status_code": "200"}
    # A pod that restarts after 10 scrapes, one that is not scraped for 3, one that is new and cold, and a rare error.
    result.counter(QUEUE, {**hard, "pod": "old"}, [5.0] * 10, first=BEFORE - 5)
    result.counter(QUEUE, {**hard, "pod": "old"}, [5.0] * 10, first=BEFORE + 6)
    result.counter(QUEUE, {**hard, "pod": "gap"}, [2.0, 2.0, math.nan, math.nan, math.nan, 8.0, 2.0], first=BEFORE)
    result.counter(QUEUE, {**hard, "pod": "new"}, [7.0] * 5, first=BEFORE + 10, begins=50)
    result.counter(QUEUE, {**hard, "pod": "new", "http_response_status_code": "500"}, [3.0], first=BEFORE + 12)
    apart = {"namespace": "iris-hard", "release": NAMES["canary"], "pod": "old", "code": "200", "purpose": "proof"}
    result.counter(live.APART, apart, [1.0] * 4, first=BEFORE)
    apart_from_users(result)
    calls_of_grpc(result)
    return recorded(result.text())


def apart_from_users(result: Recording) -> None:
    """Canaries that are asked by programs: three hours of shadow requests, and golden ones at once, of a pod that
    users ask too; and one whose pod lives for 50 seconds between two times of the grid."""
    ok = {"release": NAMES["canary"], "pod": "p"}
    proxied = {**ok, "http_response_status_code": "200"}
    # The proxy and the predictor are scraped at other moments: what one shows the other shows a little later.
    random = np.random.default_rng(1)
    late = np.diff(random.integers(0, 9, DURING + 1))
    shadowed = {"namespace": "iris-shadowed"}
    result.counter(QUEUE, proxied | shadowed, np.full(DURING, 60.0), first=BEFORE)
    named = {**ok, **shadowed, "code": "200", "purpose": "shadow"}
    result.counter(live.APART, named, np.full(DURING, 60.0) + late, first=BEFORE, begins=40)
    golden = {"namespace": "iris-golden"}
    result.counter(QUEUE, proxied | golden, [6.0] * 30 + [226.0] + [6.0] * 29, first=BEFORE)
    # The counter is not there before the first of them is scraped.
    result.counter(live.APART, {**ok, **golden, "code": "200", "purpose": "golden"}, [0] * 29, BEFORE + 31, begins=220)
    brief = {**ok, "namespace": "iris-brief"}
    result.counter("modelpin_predictions_total", {**brief, "class": "x", "pod": "q"}, np.ones(DURING), first=BEFORE)
    died = {**brief, "http_response_status_code": "503"}
    result.counter(QUEUE, died, [2.0] * 5, first=BEFORE + 0.05, step=10)


def calls_of_grpc(result: Recording) -> None:
    """A canary asked over gRPC alone: the proxy counts each call as HTTP 200, the predictor by its status."""
    pod = {"namespace": "iris-grpc", "release": NAMES["canary"], "pod": "p"}
    result.counter(QUEUE, {**pod, "http_response_status_code": "200"}, [16.0] * 30, first=BEFORE)
    result.counter(live.OWN, {**pod, "code": "OK"}, [10.0] * 30, first=BEFORE)
    for status in ("DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INVALID_ARGUMENT", "INTERNAL", "UNAVAILABLE"):
        result.counter(live.OWN, {**pod, "code": status}, [1.0] * 30, first=BEFORE)
    result.counter(live.APART, {**pod, "code": "INTERNAL", "purpose": "shadow"}, [1.0] * 30, first=BEFORE)


def read_live(url: str, case: str, minutes: int = DURING) -> Live:
    """What the first `minutes` of a case look like."""
    grid = Grid.until(BEGAN, BEGAN + minutes * 60, 60)
    return live.read(Prometheus(url), Thresholds(), grid, namespace=f"iris-{case}", **NAMES)


@pytest.mark.parametrize(
    ("case", "action"),
    [
        ("good", Action.PROMOTE),
        ("errors", Action.ROLL_BACK),
        ("slow", Action.ROLL_BACK),
        ("constant", Action.ROLL_BACK),
        ("swapped", Action.HOLD),
    ],
)
def test_recorded_canaries_end_as_they_should(url: str, case: str, action: Action) -> None:
    """A good canary is promoted, a bad one taken back for what is wrong with it, a different one held for a person."""
    thresholds = Thresholds()
    evidence = analysis.examine(read_live(url, case), thresholds)
    moment = Moment(10, 10, DURING * 60.0, DURING * 60.0)
    decision = analysis.decide(evidence, thresholds, moment)
    assert decision.action == action, decision
    proved = {"errors": "errors", "slow": "latency", "constant": "vanished", "swapped": "predictions"}.get(case)
    assert [test.name for test in evidence.tests if test.reached and test.name != analysis.NOT_WORSE] == (
        [] if proved is None else ["vanished", "predictions"] if case == "constant" else [proved]
    )
    if case == "swapped":
        strict = analysis.decide(evidence, Thresholds(predictions=ROLL_BACK), moment)
        assert (strict.action, strict.harm) == (Action.ROLL_BACK, True)


def test_the_same_grid_decides_the_same_and_a_longer_one_never_takes_back_a_proof(url: str) -> None:
    """The evidence after 60 minutes is part of that after 180: what was proved stays proved."""
    short, again, long = (
        analysis.examine(read_live(url, "errors", minutes), Thresholds()) for minutes in (60, 60, 180)
    )
    assert short.harm[0].log_e.tolist() == again.harm[0].log_e.tolist()
    assert long.harm[0].log_e[:60] == pytest.approx(short.harm[0].log_e)
    assert long.harm[0].greatest >= short.harm[0].greatest


def test_too_little_traffic_waits_silence_holds_and_the_deadline_takes_back(url: str) -> None:
    """Undecided it waits; without any request it holds, even past the deadline; with some it is taken back then."""
    early = analysis.examine(read_live(url, "good", 3), Thresholds())
    day = 24 * 3600.0
    assert analysis.decide(early, Thresholds(), Moment(10, 10, 180, 180)).action == Action.WAIT
    late = analysis.decide(early, Thresholds(), Moment(10, 10, day, day))
    assert (late.action, late.harm) == (Action.ROLL_BACK, False)
    nothing = analysis.examine(read_live(url, "absent"), Thresholds())
    decision = analysis.decide(nothing, Thresholds(), Moment(10, 10, day, day))
    assert (decision.action, decision.missing) == (Action.HOLD, True)


@pytest.mark.parametrize(("case", "why"), [("alone", "stable release was counted"), ("unseen", "no prediction")])
def test_half_of_the_data_hold(url: str, case: str, why: str) -> None:
    """Nothing of the stable release, or of the canary's own predictor, is counted: a canary without errors waits."""
    evidence = analysis.examine(read_live(url, case), Thresholds())
    assert evidence.not_worse.reached
    decision = analysis.decide(evidence, Thresholds(), Moment(10, 10, DURING * 60.0, DURING * 60.0))
    assert (decision.action, decision.missing) == (Action.HOLD, True)
    assert why in decision.why


def test_a_greater_share_comes_before_all_of_the_traffic(url: str) -> None:
    """With E between 10 and 100 the canary advances, once its least time is over."""
    evidence = next(
        outcome
        for minutes in range(20, DURING)
        if math.log(10)
        <= (outcome := analysis.examine(read_live(url, "good", minutes), Thresholds())).not_worse.greatest
    )
    assert analysis.decide(evidence, Thresholds(), Moment(10, 10, 1800, 1800)).to == 50
    assert analysis.decide(evidence, Thresholds(), Moment(10, 10, 1800, 60)).action == Action.WAIT
    assert analysis.decide(evidence, Thresholds(), Moment(50, 10, 1800, 1800)).action == Action.WAIT


def test_restarts_gaps_new_pods_and_rare_errors_are_counted_right(url: str) -> None:
    """A restart counts from 0, a gap is bridged, a new pod's first minute is left out, a late error series is not."""
    result = read_live(url, "hard", 30)
    # Of the old pod 5 intervals before its restart and 10 after it; of the new one nothing of its first 50 requests;
    # 4 requests were counted apart.
    assert result.canary.requests.sum() == (5 + 10) * 5 + (2 + 2 + 8 + 2) + 5 * 7 + 3 - 4
    assert result.canary.errors.sum() == 3
    assert analysis.examine(result, Thresholds()).requests[1] == 0


def test_requests_that_are_no_users_never_enter(url: str) -> None:
    """Three hours of shadow requests leave a scrape's difference at most; 220 golden ones, the first of their counter,
    leave none."""
    assert read_live(url, "shadowed").canary.requests.sum() <= 9
    assert read_live(url, "golden", 60).canary.requests.sum() == 60 * 6


def test_calls_of_grpc_count_as_requests_over_http(url: str) -> None:
    """What is the caller's fault (as 408, 415 and 400) is a refusal, and only what is ours an error; a shadow call that
    failed is neither, and no request.
    """
    canary = read_live(url, "grpc", 30).canary
    assert [counts.sum() for counts in (canary.requests, canary.errors, canary.refused)] == [15 * 30, 2 * 30, 3 * 30]
    own = Thresholds(source=Source(requests=live.OWN, code="code"))
    grid = Grid.until(BEGAN, BEGAN + 30 * 60, 60)
    canary = live.read(Prometheus(url), own, grid, namespace="iris-grpc", **NAMES).canary
    assert [counts.sum() for counts in (canary.requests, canary.errors, canary.refused)] == [15 * 30, 2 * 30, 3 * 30]


def test_a_pod_between_two_looks_is_counted_where_nothing_is_left_out(url: str) -> None:
    """Its errors, up to its last scrape, count although its life lies between two times of the grid."""
    grid = Grid.until(BEGAN, BEGAN + 600, 60)
    result = live.read(Prometheus(url), Thresholds(warm_up=0), grid, namespace="iris-brief", **NAMES)
    assert result.canary.errors.sum() == 10


def test_edges_are_those_nearest_to_the_stable_releases_quantiles(url: str) -> None:
    """Half of the answers were under 1 ms, seven in eight under 4 ms: the edges were fixed before the canary."""
    assert read_live(url, "good").edges() == (0.001, 0.004, 0.016)
    assert read_live(url, "absent").edges() == ()


def test_baking_takes_back_a_release_over_the_limit(url: str) -> None:
    """With all traffic a release is held to the limit: 8 % of errors are over it, 1 % is not."""
    bad, good = read_live(url, "errors"), read_live(url, "good")
    assert analysis.bake(bad.canary, bad.history, Thresholds())[1].action == Action.ROLL_BACK
    assert analysis.bake(good.canary, good.history, Thresholds())[1].action == Action.WAIT


def test_a_long_range_is_asked_for_in_pieces(url: str) -> None:
    """More points than Prometheus gives at once come back as one series."""
    grid = Grid(BEGAN - 12_000 * 60, 60, 12_180)
    (series,) = Prometheus(url).range(
        matcher(QUEUE, namespace="iris-good", release=NAMES["canary"], http_response_status_code="200"), grid
    )
    assert np.isnan(series.values[:12_000]).all()
    assert np.isfinite(series.values[12_001:]).all()


def test_a_prometheus_that_is_down_or_refuses_is_a_storage_error(url: str) -> None:
    """Nothing is decided from no answer: exit code 30, with the query; a URL that is none is 10."""
    grid = Grid(BEGAN, 60, 2)
    with pytest.raises(StorageError, match="did not answer"):
        Prometheus("http://127.0.0.1:9").range("up", grid)
    with pytest.raises(StorageError, match=r"refused 'up\{'"):
        Prometheus(url).range("up{", grid)
    for wrong in ("", "ftp://host", "http://a:b@host", "http://host:90x"):
        with pytest.raises(ConfigurationError, match="not the URL"):
            Prometheus(wrong)


def test_a_label_value_cannot_end_its_matcher() -> None:
    """Quotes and backslashes are escaped, patterns are marked, empty values left out."""
    assert matcher("m", a='x"\\', b="~y|z", c="") == 'm{a="x\\"\\\\",b=~"y|z"}'


def test_nothing_grows_without_series_or_before_the_first_sample() -> None:
    """No series give no rows; a series of NaN alone grows by nothing."""
    assert increments([], 60, 60).shape == (0, 0)
    assert increments([Series({"pod": "a"}, np.full(4, np.nan))], 60, 60).tolist() == [[0, 0, 0]]


def test_the_predictors_own_counter_can_be_the_source(url: str) -> None:
    """Where nothing stands in front of the predictor, its own counter is named, and nothing is taken off twice."""
    thresholds = Thresholds(source=Source(live.OWN, "code", "release"))
    grid = Grid.until(BEGAN, BEGAN + 600, 60)
    result = live.read(Prometheus(url), thresholds, grid, namespace="iris-hard", **NAMES)
    assert result.canary.requests.sum() == 0
