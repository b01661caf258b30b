"""Figure 7: all forget sets and methods, against the retain set."""

from functools import partial

from palimpsest.studies.ascent.figures._planes import draw_planes

INPUTS = ("klom",)
draw = partial(
    draw_planes,
    title="Ascent Fails to Forget, Figure 7: all forget sets, against the retain set",
    against="retain",
)
