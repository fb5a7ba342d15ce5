"""What a verdict can be, and one sentence for each: docs/gate.md holds the same table."""

from __future__ import annotations

QUARANTINED = "quarantined"
BELOW_THRESHOLD = "below-threshold"
INCOMPARABLE = "incomparable"
WORSE = "worse"
WORSE_ON_A_SLICE = "worse-on-a-slice"
TOO_SLOW = "too-slow"
TOO_BIG = "too-big"
NO_CHANGE = "no-change"
FIRST_DEPLOYMENT = "first-deployment"
BETTER = "better"
EQUIVALENT = "equivalent"

# Of several broken rules the first in this order names the verdict; its reason names all of them.
REFUSALS = {
    QUARANTINED: "gitops/ says that this artifact, or one of these inputs, must not come back",
    BELOW_THRESHOLD: "a threshold is not reached, guessing may be as good, or an expectation of behaviour is broken",
    INCOMPARABLE: "the champion cannot be judged on the same held-out rows, and `replaces` does not name it",
    WORSE: "it may be worse than the champion by more than the margin",
    WORSE_ON_A_SLICE: "on one slice it is certainly worse by more than the margin of slices",
    TOO_SLOW: "one row takes longer than allowed",
    TOO_BIG: "the artifact is larger than allowed",
}
PASSES = {
    NO_CHANGE: "the artifact is the champion, to the byte",
    FIRST_DEPLOYMENT: "Git names no champion, neither for production nor for staging",
    INCOMPARABLE: "as above, and `replaces` names this champion",
    BETTER: "the whole interval of the difference is on its side",
    EQUIVALENT: "it is not better, and not worse by more than the margin",
}
EVERY = tuple(dict.fromkeys((*REFUSALS, *PASSES)))
