"""Figure 1: ascent on one forget set, against the validation set."""

from functools import partial

from palimpsest.studies.ascent.figures._planes import draw_planes

INPUTS = ("klom",)
draw = partial(draw_planes, title="Ascent Fails to Forget, Figure 1", against="val")
